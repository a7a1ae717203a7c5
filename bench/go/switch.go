package main

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

// measureRounds runs play a little for warming up, then measured; it hands over twice per round.
func measureRounds(s *sheet, rounds int, play func(rounds int)) {
	play(rounds/10 + 1)
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	start := time.Now()
	play(rounds)
	handovers := 2 * rounds
	s.set("handover_ns", nsEach(start, handovers))
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	s.set("handovers", float64(handovers))
	s.set("voluntary_each", float64(after.Nvcsw-before.Nvcsw)/float64(handovers))
	s.set("involuntary_each", float64(after.Nivcsw-before.Nivcsw)/float64(handovers))
}

// E4: two goroutines hand a ball to each other.
func pingPongChannel(s *sheet) {
	measureRounds(s, s.argument("rounds"), func(rounds int) {
		there, back := make(chan int), make(chan int)
		go func() {
			for ball := range there {
				back <- ball
			}
			close(back)
		}()
		for i := 0; i < rounds; i++ {
			there <- 1
			<-back
		}
		close(there)
		<-back
	})
}

func pingPongCond(s *sheet) {
	measureRounds(s, s.argument("rounds"), func(rounds int) {
		var lock sync.Mutex
		changed := sync.NewCond(&lock)
		ball := 0 // even: player 0 has it
		spawn(2, func(me int) {
			for i := 0; i < rounds; i++ {
				lock.Lock()
				for ball%2 != me {
					changed.Wait()
				}
				ball++
				changed.Signal()
				lock.Unlock()
			}
		}).Wait()
	})
}

// E5: two goroutines that yield to each other on one processor.
func yield(s *sheet) {
	rounds := s.argument("rounds")
	start := time.Now()
	spawn(2, func(int) {
		for i := 0; i < rounds; i++ {
			runtime.Gosched()
		}
	}).Wait()
	s.set("switch_ns", nsEach(start, 2*rounds))
}
