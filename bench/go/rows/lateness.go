package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// lateLoops: a goroutine that wants to wake every millisecond, beside an endless loop per processor.
func lateLoops(f figures) {
	const period, run = time.Millisecond, 3 * time.Second
	var isOver atomic.Bool
	var loops sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		loops.Add(1)
		go func() {
			defer loops.Done()
			for !isOver.Load() {
			}
		}()
	}
	var lateMs []float64
	for now, end := time.Now(), time.Now().Add(run); now.Before(end); {
		due := now.Add(period)
		time.Sleep(time.Until(due))
		now = time.Now()
		lateMs = append(lateMs, now.Sub(due).Seconds()*1e3)
	}
	isOver.Store(true)
	loops.Wait()
	f["p50"] = quantile(lateMs, 50)
	f["p99"] = quantile(lateMs, 99)
}

// wakeup: an idle machine. Somebody wakes, sends, and sleeps again; how soon does the receiver run?
func wakeup(f figures) {
	const sends = 2000
	wire := make(chan time.Time, 1)
	var tookUs []float64
	var receiver sync.WaitGroup
	receiver.Add(1)
	go func() {
		defer receiver.Done()
		for sent := range wire {
			tookUs = append(tookUs, float64(time.Since(sent).Nanoseconds())/1e3)
		}
	}()
	for i := 0; i < sends; i++ {
		time.Sleep(time.Millisecond)
		wire <- time.Now()
	}
	close(wire)
	receiver.Wait()
	f["p50"] = quantile(tookUs, 50)
	f["p99"] = quantile(tookUs, 99)
}
