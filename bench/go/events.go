package main

import "time"

const (
	kindsOfEvent = 16
	eventWorkers = 4
	batchSize    = 256
)

type counts [kindsOfEvent]int

func kindOfEvent(i int) int { return int(uint64(i) * 0x9e3779b97f4a7c15 >> 60) }

// startWorkers runs worker on four goroutines and calls finished when all have ended.
func startWorkers(worker func(), finished func()) {
	all := spawn(eventWorkers, func(int) { worker() })
	go func() {
		all.Wait()
		finished()
	}()
}

func finishEvents(s *sheet, total *counts, start time.Time) {
	seen := 0
	for _, n := range total {
		seen += n
	}
	s.set("events", float64(seen))
	s.set("event_ns", nsEach(start, seen))
}

// E12: counting events through one channel, or each worker for itself first.
func eventsEach(s *sheet) {
	each := s.argument("events") / eventWorkers
	queue := make(chan int, 1024)
	start := time.Now()
	startWorkers(func() {
		for i := 0; i < each; i++ {
			queue <- kindOfEvent(i)
		}
	}, func() { close(queue) })
	var total counts
	for which := range queue {
		total[which]++
	}
	finishEvents(s, &total, start)
}

// partialCounts sends the counts after every period events, and at the end.
func partialCounts(s *sheet, events, period int) {
	each := events / eventWorkers
	queue := make(chan counts, 1024)
	start := time.Now()
	startWorkers(func() {
		var mine counts
		for i := 0; i < each; i++ {
			mine[kindOfEvent(i)]++
			if (i+1)%period == 0 {
				queue <- mine
				mine = counts{}
			}
		}
		queue <- mine
	}, func() { close(queue) })
	var total counts
	for part := range queue {
		for k, n := range part {
			total[k] += n
		}
	}
	finishEvents(s, &total, start)
}

func eventsBatches(s *sheet) { partialCounts(s, s.argument("events"), batchSize) }

func eventsPartials(s *sheet) {
	events := s.argument("events") * 10
	partialCounts(s, events, events)
}
