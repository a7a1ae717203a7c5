package main

import "time"

// E1: ten thousand workers that sleep a little, a thousand times.
func sleepers(s *sheet) {
	tasks, sleeps := s.argument("tasks"), s.argument("sleeps")
	s.expect(tasks)
	start := time.Now()
	spawn(tasks, func(i int) {
		time.Sleep(time.Duration(uint64(i)*2654435761%200_000) * time.Microsecond)
		for k := 0; k < sleeps; k++ {
			time.Sleep(10 * time.Millisecond)
		}
		s.step()
	}).Wait()
	s.set("tasks", float64(tasks))
	s.set("real_s", time.Since(start).Seconds())
	s.set("ideal_s", 0.2+0.010*float64(sleeps))
}

// E2: a million tasks that sleep one second.
func million(s *sheet) {
	tasks := s.argument("tasks")
	s.expect(tasks)
	start := time.Now()
	spawn(tasks, func(int) {
		time.Sleep(time.Second)
		s.step()
	}).Wait()
	s.set("tasks", float64(tasks))
	s.set("real_s", time.Since(start).Seconds())
	s.set("each_ns", nsEach(start.Add(time.Second), tasks)) // all sleep during the same second
}

// E3: a hundred thousand tasks that sleep 100 ms, twice.
func timers(s *sheet) {
	tasks := s.argument("tasks")
	for _, figure := range []string{"first_s", "again_s"} {
		start := time.Now()
		all := spawn(tasks, func(int) { time.Sleep(100 * time.Millisecond) })
		s.set("peak_threads", procStatus("Threads"))
		all.Wait()
		s.set(figure, time.Since(start).Seconds())
	}
	s.set("tasks", float64(tasks))
}
