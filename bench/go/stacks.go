package main

import (
	"math"
	"runtime/debug"
	"sync"
	"time"
)

// E6: what a parked goroutine reserves and what it takes.
func stacks(s *sheet) {
	tasks := s.argument("tasks")
	var arrived sync.WaitGroup
	arrived.Add(tasks)
	end := make(chan struct{})
	reserved, resident, tables := procStatus("VmSize"), procStatus("VmRSS"), procStatus("VmPTE")
	all := spawn(tasks, func(int) {
		arrived.Done()
		<-end
	})
	arrived.Wait()
	each := func(now, then float64) float64 { return (now - then) / float64(tasks) }
	s.set("tasks", float64(tasks))
	s.set("task_reserved_bytes", each(procStatus("VmSize"), reserved))
	s.set("task_resident_bytes", each(procStatus("VmRSS"), resident))
	s.set("task_table_bytes", each(procStatus("VmPTE"), tables))
	s.set("task_bytes", each(memory(), resident+tables))
	close(end)
	all.Wait()
}

const frameBytes = 1024

// descend calls atBottom with about n bytes of stack in use, all of it touched.
//
//go:noinline
func descend(n int, atBottom func()) byte {
	var frame [frameBytes - 64]byte
	frame[0], frame[len(frame)-1] = 1, byte(n)
	if n <= frameBytes {
		atBottom()
	} else {
		frame[1] = descend(n-frameBytes, atBottom)
	}
	return frame[1] + frame[len(frame)-1]
}

// E7: stacks that start small and grow.
func growth(s *sheet) {
	tasks, depth := s.argument("tasks"), s.argument("depth-kib")*1024
	empty := procStatus("VmRSS")
	each := func() float64 { return math.Max(0, procStatus("VmRSS")-empty) / float64(tasks) }
	var shallow, deep, returned sync.WaitGroup
	for _, group := range []*sync.WaitGroup{&shallow, &deep, &returned} {
		group.Add(tasks)
	}
	goDown, comeUp, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
	all := spawn(tasks, func(int) {
		shallow.Done()
		<-goDown
		descend(depth, func() {
			deep.Done()
			<-comeUp
		})
		returned.Done()
		<-end
	})
	shallow.Wait()
	s.set("before_bytes", each())
	close(goDown)
	deep.Wait()
	s.set("at_depth_bytes", each())
	close(comeUp)
	returned.Wait()
	s.set("after_bytes", each())
	close(end)
	all.Wait()
	debug.FreeOSMemory()
	time.Sleep(time.Duration(s.argument("idle-ms")) * time.Millisecond)
	s.set("ended_bytes", each())
	s.set("tasks", float64(tasks))
}
