package main

import (
	"sync"
	"time"
)

func spawnAll(f figures) {
	const tasks = 1_000_000
	start := time.Now()
	var group sync.WaitGroup
	for i := 0; i < tasks; i++ {
		group.Add(1)
		go group.Done()
	}
	group.Wait()
	f["value"] = float64(time.Since(start).Nanoseconds()) / tasks
}

func spawnOne(f figures) {
	f["value"] = nsPerRound(1_000_000, func(rounds int) {
		var one sync.WaitGroup
		for i := 0; i < rounds; i++ {
			one.Add(1)
			go one.Done()
			one.Wait()
		}
	})
}

func skynetNode(result chan<- int, first, leaves int) {
	if leaves == 1 {
		result <- first
		return
	}
	children := make(chan int)
	each := leaves / 10
	for i := 0; i < 10; i++ {
		go skynetNode(children, first+i*each, each)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	result <- sum
}

func skynet(f figures) {
	const leaves = 1_000_000
	start := time.Now()
	result := make(chan int)
	go skynetNode(result, 0, leaves)
	if <-result == leaves*(leaves-1)/2 {
		f["value"] = float64(time.Since(start).Nanoseconds()) / 1e6
	} else {
		f["value"] = -1
	}
}
