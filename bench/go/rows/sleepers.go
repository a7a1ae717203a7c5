package main

import (
	"sync"
	"time"
)

func allAtOnce(tasks int, f func(i int)) {
	var all sync.WaitGroup
	for i := 0; i < tasks; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			f(i)
		}()
	}
	all.Wait()
}

// e1 is the lab's E1: CPU seconds of ten thousand workers that sleep a thousand times each.
func e1(f figures) {
	before := cpuSeconds()
	allAtOnce(10_000, func(i int) {
		time.Sleep(time.Duration(uint64(i)*2654435761%200_000) * time.Microsecond)
		for k := 0; k < 1000; k++ {
			time.Sleep(10 * time.Millisecond)
		}
	})
	f["value"] = cpuSeconds() - before
}

func e2(f figures) {
	start := time.Now()
	allAtOnce(1_000_000, func(int) { time.Sleep(time.Second) })
	f["value"] = time.Since(start).Seconds()
}

func e3(f figures) {
	start := time.Now()
	allAtOnce(100_000, func(int) { time.Sleep(100 * time.Millisecond) })
	f["value"] = time.Since(start).Seconds() * 1e3
}
