package main

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const heartbeatPeriod = time.Millisecond

// heartbeat sleeps a millisecond again and again while goesOn(), and says how much longer each sleep took.
func heartbeat(goesOn func() bool) (late []time.Duration) {
	late = make([]time.Duration, 0, 1<<16)
	for goesOn() {
		due := time.Now().Add(heartbeatPeriod)
		time.Sleep(heartbeatPeriod)
		late = append(late, time.Since(due))
	}
	return late
}

func heartbeatFor(duration time.Duration) []time.Duration {
	end := time.Now().Add(duration)
	return heartbeat(func() bool { return time.Now().Before(end) })
}

// nativeCall blocks its thread in the kernel, as a C function would; the Go runtime sees only a system call.
func nativeCall(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	_, _, _ = syscall.Syscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

// E13: a thousand calls that block their thread, and others that want to go on.
func blockingCalls(s *sheet, call func(native func())) {
	calls, duration := s.argument("calls"), time.Duration(s.argument("call-ms"))*time.Millisecond
	var isOver atomic.Bool
	beats := make(chan []time.Duration)
	go func() { beats <- heartbeat(func() bool { return !isOver.Load() }) }()
	s.expect(calls)
	start := time.Now()
	spawn(calls, func(int) {
		call(func() { nativeCall(duration) })
		s.step()
	}).Wait()
	s.set("real_s", time.Since(start).Seconds())
	isOver.Store(true)
	s.set("calls", float64(calls))
	s.setQuantiles("late", <-beats)
}

func blockingUnbounded(s *sheet) { blockingCalls(s, func(native func()) { native() }) }

func blockingBounded(s *sheet) {
	slots := make(chan struct{}, 8)
	blockingCalls(s, func(native func()) {
		slots <- struct{}{}
		native()
		<-slots
	})
}

// E14: an endless loop on every processor, beside a goroutine that must wake every millisecond.
func starvation(s *sheet) {
	var isOver atomic.Bool
	procs := runtime.GOMAXPROCS(0)
	loops := spawn(procs, func(int) {
		for !isOver.Load() {
		}
	})
	late := heartbeatFor(time.Duration(s.argument("ms")) * time.Millisecond)
	isOver.Store(true)
	loops.Wait()
	s.set("loops", float64(procs))
	s.set("wakeups", float64(len(late)))
	s.setQuantiles("late", late)
}
