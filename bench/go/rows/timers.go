package main

import (
	"sync"
	"time"
)

func timerStop(f figures) {
	f["value"] = nsPerRound(2_000_000, func(rounds int) {
		for i := 0; i < rounds; i++ {
			unneeded := time.NewTimer(time.Hour)
			unneeded.Stop()
		}
	})
}

// timersMillion: a million timers with deadlines spread over the second that follows; each notes how late it ran, in its
// own goroutine.
func timersMillion(f figures) {
	const timers = 1_000_000
	lateUs := make([]float32, timers)
	var all sync.WaitGroup
	all.Add(timers)
	cpuBefore := cpuSeconds()
	for i := 0; i < timers; i++ {
		delay := time.Duration(uint64(i)*2654435761%1_000_000) * time.Microsecond
		due := time.Now().Add(delay)
		time.AfterFunc(delay, func() {
			lateUs[i] = float32(time.Since(due).Nanoseconds()) / 1e3
			all.Done()
		})
	}
	all.Wait()
	f["value"] = (cpuSeconds() - cpuBefore) * 1e9 / timers
	samples := make([]float64, timers)
	for i, late := range lateUs {
		samples[i] = float64(late)
	}
	f["late_p50_us"] = quantile(samples, 50)
	f["late_p99_us"] = quantile(samples, 99)
}
