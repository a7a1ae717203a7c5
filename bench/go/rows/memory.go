package main

import (
	"runtime"
	"sync"
)

func parkedMillion(f figures) {
	const tasks = 1_000_000
	before := memoryBytes()
	end := make(chan struct{})
	var arrived, all sync.WaitGroup
	arrived.Add(tasks)
	for i := 0; i < tasks; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			arrived.Done()
			<-end
		}()
	}
	arrived.Wait()
	runtime.Gosched() // the last one parks
	f["value"] = (memoryBytes() - before) / tasks
	close(end)
	all.Wait()
}
