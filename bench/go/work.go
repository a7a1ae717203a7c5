package main

import "sync"

// spawn starts work(0) … work(n - 1), a goroutine each; the caller waits for them.
func spawn(n int, work func(i int)) *sync.WaitGroup {
	all := new(sync.WaitGroup)
	all.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			defer all.Done()
			work(i)
		}(i)
	}
	return all
}

// isPrime is honest work for a CPU: trial division.
func isPrime(n int) bool {
	if n < 2 {
		return false
	}
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}

func countPrimes(first, last int) (count int) {
	for n := first; n < last; n++ {
		if isPrime(n) {
			count++
		}
	}
	return count
}

// cpuStep takes about 50 µs.
func cpuStep() int { return countPrimes(1_000_000, 1_000_300) }
