package main

import "sync"

func mutexFree(f figures) {
	f["value"] = nsPerRound(20_000_000, func(rounds int) {
		var lock sync.Mutex
		for i := 0; i < rounds; i++ {
			lock.Lock()
			lock.Unlock()
		}
	})
}

func mutexContended(f figures) {
	const goroutines = 8
	f["value"] = nsPerRound(16_000_000, func(operations int) {
		var lock sync.Mutex
		counter := 0
		var all sync.WaitGroup
		for g := 0; g < goroutines; g++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for i := 0; i < operations/goroutines; i++ {
					lock.Lock()
					counter++
					lock.Unlock()
				}
			}()
		}
		all.Wait()
	})
}
