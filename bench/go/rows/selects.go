package main

import (
	"sync"
	"time"
)

func receiveAny2(in []chan int) int {
	select {
	case v := <-in[0]:
		return v
	case v := <-in[1]:
		return v
	}
}

func receiveAny8(in []chan int) int {
	select {
	case v := <-in[0]:
		return v
	case v := <-in[1]:
		return v
	case v := <-in[2]:
		return v
	case v := <-in[3]:
		return v
	case v := <-in[4]:
		return v
	case v := <-in[5]:
		return v
	case v := <-in[6]:
		return v
	case v := <-in[7]:
		return v
	}
}

func makeChannels(n, capacity int) []chan int {
	channels := make([]chan int, n)
	for i := range channels {
		channels[i] = make(chan int, capacity)
	}
	return channels
}

// ready: one channel holds values, the others are empty; only the selects are timed.
func ready(f figures, n int, receiveAny func([]chan int) int) {
	const filled, fills = 1024, 1000
	in := makeChannels(n, filled)
	var elapsed time.Duration
	sum := 0
	for k := 0; k < fills; k++ {
		for i := 0; i < filled; i++ {
			in[k%n] <- i
		}
		start := time.Now()
		for i := 0; i < filled; i++ {
			sum += receiveAny(in)
		}
		elapsed += time.Since(start)
	}
	f["value"] = -1
	if sum == fills*(filled*(filled-1)/2) {
		f["value"] = float64(elapsed.Nanoseconds()) / (filled * fills)
	}
}

// block: a goroutine that waits in a select answers whatever comes through one of its channels.
func block(f figures, n int, receiveAny func([]chan int) int) {
	f["value"] = nsPerRound(1_000_000, func(rounds int) {
		in := makeChannels(n, 0)
		out := make(chan int)
		var answering sync.WaitGroup
		answering.Add(1)
		go func() {
			defer answering.Done()
			for i := 0; i < rounds; i++ {
				out <- receiveAny(in)
			}
		}()
		for i := 0; i < rounds; i++ {
			in[i%n] <- i
			<-out
		}
		answering.Wait()
	})
}

func selectNone(f figures) {
	one, two := make(chan int, 1), make(chan int, 1)
	f["value"] = nsPerRound(10_000_000, func(rounds int) {
		for i := 0; i < rounds; i++ {
			select {
			case <-one:
				return
			case <-two:
				return
			default:
			}
		}
	})
}
