// Command rows measures one row of `weft bench` in Go and prints its figures as one line of JSON:
//
//	rows ROW PROCS
//
// bench/README.md defines every row; bench/rows does the same work with weft, file by file.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type figures map[string]float64

var rows = map[string]func(figures){
	"yield":           yield,
	"pingpong":        pingpong,
	"spsc":            spsc,
	"mpmc":            mpmc,
	"spawn_all":       spawnAll,
	"spawn_one":       spawnOne,
	"skynet":          skynet,
	"mutex_free":      mutexFree,
	"mutex_contended": mutexContended,
	"select2_ready":   func(f figures) { ready(f, 2, receiveAny2) },
	"select8_ready":   func(f figures) { ready(f, 8, receiveAny8) },
	"select2_block":   func(f figures) { block(f, 2, receiveAny2) },
	"select8_block":   func(f figures) { block(f, 8, receiveAny8) },
	"select_none":     selectNone,
	"timer_stop":      timerStop,
	"timers_million":  timersMillion,
	"e1":              e1,
	"e2":              e2,
	"e3":              e3,
	"late_loops":      lateLoops,
	"wakeup":          wakeup,
	"parked_million":  parkedMillion,
}

func main() {
	procs := 0
	if len(os.Args) == 3 {
		procs, _ = strconv.Atoi(os.Args[2])
	}
	if procs < 1 || rows[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: rows ROW PROCS (see bench/README.md)")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(procs)
	f := figures{}
	rows[os.Args[1]](f)
	line, err := json.Marshal(f)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rows:", err)
		os.Exit(1)
	}
	fmt.Println(string(line))
}

// nsPerRound plays a tenth of the rounds to warm up, then all of them.
func nsPerRound(rounds int, play func(rounds int)) float64 {
	play(rounds/10 + 1)
	start := time.Now()
	play(rounds)
	return float64(time.Since(start).Nanoseconds()) / float64(rounds)
}

// cpuSeconds is user + system time of this process so far.
func cpuSeconds() float64 {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) * 1e-9
}

// memoryBytes counts resident pages and page tables of this process.
func memoryBytes() float64 {
	text, _ := os.ReadFile("/proc/self/status")
	kib := 0.0
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "VmPTE:") {
			n, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			kib += n
		}
	}
	return kib * 1024
}

// quantile is the value below which percent of the samples lie. It sorts them.
func quantile(samples []float64, percent float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sort.Float64s(samples)
	return samples[int(percent/100*float64(len(samples)-1)+0.5)]
}
