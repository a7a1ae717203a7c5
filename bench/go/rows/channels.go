package main

import "sync"

func pingpong(f figures) {
	f["value"] = nsPerRound(1_000_000, func(rounds int) {
		there, back := make(chan int), make(chan int)
		var partner sync.WaitGroup
		partner.Add(1)
		go func() {
			defer partner.Done()
			for ball := range there {
				back <- ball
			}
		}()
		for i := 0; i < rounds; i++ {
			there <- 1
			<-back
		}
		close(there)
		partner.Wait()
	})
}

// throughBuffer sends items through one buffered channel, from so many producers to so many consumers.
func throughBuffer(items, producers, consumers int) {
	queue := make(chan int, 128)
	var sending, receiving sync.WaitGroup
	for c := 0; c < consumers; c++ {
		receiving.Add(1)
		go func() {
			defer receiving.Done()
			for range queue {
			}
		}()
	}
	for p := 0; p < producers; p++ {
		sending.Add(1)
		go func() {
			defer sending.Done()
			for i := 0; i < items/producers; i++ {
				queue <- i
			}
		}()
	}
	sending.Wait()
	close(queue)
	receiving.Wait()
}

func spsc(f figures) {
	f["value"] = nsPerRound(5_000_000, func(items int) { throughBuffer(items, 1, 1) })
}

func mpmc(f figures) {
	f["value"] = nsPerRound(5_000_000, func(items int) { throughBuffer(items, 4, 4) })
}
