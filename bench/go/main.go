// Command bench runs the Go twins of weft's lab experiments, one run per process:
//
//	bench e8 "one by one" tasks=100000
//
// It prints one line of JSON with the figures it measured; `weft lab` adds what the kernel says about the process.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// experiments by id and form; "-" where there is only one form.
var experiments = map[string]map[string]func(*sheet){
	"e1":  {"-": sleepers},
	"e2":  {"-": million},
	"e3":  {"-": timers},
	"e4":  {"channel": pingPongChannel, "cond": pingPongCond},
	"e5":  {"yield": yield},
	"e6":  {"-": stacks},
	"e7":  {"-": growth},
	"e8":  {"one by one": spawnOneByOne, "all at once": spawnAllAtOnce},
	"e9":  {"per connection": servers},
	"e10": {"CPU-bound": procsCPU, "I/O-bound": procsIO},
	"e11": {"one per number": primesOneEach, "workers": primesWorkers, "workers, batches": primesBatches},
	"e12": {"one send per event": eventsEach, "batches of 256": eventsBatches, "partial counts": eventsPartials},
	"e13": {"unbounded": blockingUnbounded, "bounded to 8": blockingBounded},
	"e14": {"-": starvation},
	"e15": {"unbounded": floodUnbounded, "bounded": floodBounded},
	"e18": {"ordinary": realtimeOrdinary, "real time": realtimeFIFO},
}

func main() {
	if len(os.Args) < 3 || experiments[os.Args[1]][os.Args[2]] == nil {
		fmt.Fprintln(os.Stderr, "usage: bench EXPERIMENT FORM [name=value…]")
		os.Exit(2)
	}
	s := newSheet()
	for _, word := range os.Args[3:] {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", word, err)
			os.Exit(2)
		}
		s.arguments[name] = n
	}
	if procs, given := s.arguments["procs"]; given {
		runtime.GOMAXPROCS(procs)
	}
	experiments[os.Args[1]][os.Args[2]](s)
	s.print()
}
