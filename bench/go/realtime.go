package main

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// E18: a goroutine locked to its thread, with and without a real-time policy, beside ordinary ones.
func besideOrdinaryWork(s *sheet, wantsRealtime bool) {
	duration := time.Duration(s.argument("ms")) * time.Millisecond
	var isOver atomic.Bool
	var steps int64
	ordinary := spawn(2*runtime.GOMAXPROCS(0), func(int) {
		for !isOver.Load() {
			cpuStep()
			atomic.AddInt64(&steps, 1)
			runtime.Gosched()
		}
	})
	type outcome struct {
		late []time.Duration
		err  syscall.Errno
	}
	finished := make(chan outcome)
	start := time.Now()
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and its policy with it
		if wantsRealtime {
			if errno := setFIFO(10); errno != 0 {
				finished <- outcome{err: errno}
				return
			}
		}
		finished <- outcome{late: heartbeatFor(duration)}
	}()
	result := <-finished
	s.set("steps_per_second", float64(atomic.LoadInt64(&steps))/time.Since(start).Seconds())
	isOver.Store(true)
	ordinary.Wait()
	if result.err != 0 {
		s.refuse("SCHED_FIFO is not permitted (" + result.err.Error() + ")")
		return
	}
	s.set("wakeups", float64(len(result.late)))
	s.setQuantiles("late", result.late)
}

// setFIFO gives the calling thread the real-time policy SCHED_FIFO.
func setFIFO(priority int32) syscall.Errno {
	const schedFIFO = 1
	_, _, errno := syscall.Syscall(syscall.SYS_SCHED_SETSCHEDULER, 0, schedFIFO, uintptr(unsafe.Pointer(&priority)))
	return errno
}

func realtimeOrdinary(s *sheet) { besideOrdinaryWork(s, false) }
func realtimeFIFO(s *sheet)     { besideOrdinaryWork(s, true) }
