package main

import (
	"runtime"
	"sync"
)

func yield(f figures) {
	round := nsPerRound(2_000_000, func(rounds int) {
		var both sync.WaitGroup
		for i := 0; i < 2; i++ {
			both.Add(1)
			go func() {
				defer both.Done()
				for k := 0; k < rounds; k++ {
					runtime.Gosched()
				}
			}()
		}
		both.Wait()
	})
	f["value"] = round / 2
}
