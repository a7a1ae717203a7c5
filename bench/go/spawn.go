package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// E8: start a task that does nothing, and see it end.
func spawnOneByOne(s *sheet) {
	tasks := s.argument("tasks")
	var one sync.WaitGroup
	start := time.Now()
	for i := 0; i < tasks; i++ {
		one.Add(1)
		go one.Done()
		one.Wait()
	}
	s.set("task_ns", nsEach(start, tasks))
	s.set("tasks", float64(tasks))
}

func spawnAllAtOnce(s *sheet) {
	tasks := s.argument("tasks")
	start := time.Now()
	spawn(tasks, func(int) {}).Wait()
	s.set("task_ns", nsEach(start, tasks))
	s.set("tasks", float64(tasks))
}

// measureRate takes the best of three: what others do on the machine only ever slows a round down.
func measureRate(s *sheet, tasks int, round func()) {
	best := 0.0
	for i := 0; i < 3; i++ {
		start := time.Now()
		round()
		if rate := float64(tasks) / time.Since(start).Seconds(); rate > best {
			best = rate
		}
	}
	s.set("tasks_per_second", best)
}

// E10: the same load with one processor, two, … main has set GOMAXPROCS.
func procsCPU(s *sheet) {
	tasks := s.argument("cpu-tasks")
	var found int64
	measureRate(s, tasks, func() {
		spawn(tasks, func(int) { atomic.AddInt64(&found, int64(cpuStep())) }).Wait()
	})
}

func procsIO(s *sheet) {
	const waits = 50
	tasks := s.argument("io-tasks")
	measureRate(s, tasks/waits*waits, func() {
		spawn(tasks/waits, func(int) {
			for i := 0; i < waits; i++ {
				time.Sleep(time.Millisecond)
			}
		}).Wait()
	})
}

// E11: CPU work cut very small.
func finishPrimes(s *sheet, numbers int, primes int64, start time.Time) {
	s.set("numbers", float64(numbers))
	s.set("primes", float64(primes))
	s.set("real_s", time.Since(start).Seconds())
	s.set("number_ns", nsEach(start, numbers))
}

func primesOneEach(s *sheet) {
	numbers := s.argument("numbers")
	var primes int64
	start := time.Now()
	spawn(numbers, func(n int) {
		if isPrime(n) {
			atomic.AddInt64(&primes, 1)
		}
	}).Wait()
	finishPrimes(s, numbers, primes, start)
}

func primesByWorkers(s *sheet, batch int) {
	numbers := s.argument("numbers")
	queue := make(chan int, 1024)
	var primes int64
	start := time.Now()
	all := spawn(runtime.GOMAXPROCS(0), func(int) {
		mine := 0
		for first := range queue {
			last := first + batch
			if last > numbers {
				last = numbers
			}
			mine += countPrimes(first, last)
		}
		atomic.AddInt64(&primes, int64(mine))
	})
	for n := 0; n < numbers; n += batch {
		queue <- n
	}
	close(queue)
	all.Wait()
	finishPrimes(s, numbers, primes, start)
}

func primesWorkers(s *sheet) { primesByWorkers(s, 1) }
func primesBatches(s *sheet) { primesByWorkers(s, 1000) }
