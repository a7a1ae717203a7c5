package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// E15: requests arrive every millisecond, counted from when they were due; one handler wants very much CPU time.
func serve(s *sheet, expensive func()) {
	requests := s.argument("requests")
	latency := make([]time.Duration, requests)
	var open, flood sync.WaitGroup
	open.Add(requests)
	start := time.Now()
	for i := 0; i < requests; i++ {
		due := start.Add(time.Duration(i) * heartbeatPeriod)
		time.Sleep(time.Until(due))
		if i == requests/10 {
			flood.Add(1)
			go func() {
				defer flood.Done()
				expensive()
			}()
		}
		go func(i int) {
			defer open.Done()
			countPrimes(1_000_000, 1_000_030)
			latency[i] = time.Since(due)
		}(i)
	}
	open.Wait()
	flood.Wait()
	s.set("real_s", time.Since(start).Seconds())
	s.set("requests", float64(requests))
	s.setQuantiles("latency", latency)
}

func floodUnbounded(s *sheet) {
	steps := s.argument("steps")
	s.set("steps_done", float64(steps))
	serve(s, func() { spawn(steps, func(int) { cpuStep() }).Wait() })
}

func floodBounded(s *sheet) {
	steps := int64(s.argument("steps"))
	serve(s, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		var next int64
		spawn(runtime.GOMAXPROCS(0), func(int) {
			for ctx.Err() == nil && atomic.AddInt64(&next, 1) <= steps {
				cpuStep()
				runtime.Gosched()
			}
		}).Wait()
		done := atomic.LoadInt64(&next)
		if done > steps {
			done = steps
		}
		s.set("steps_done", float64(done))
	})
}
