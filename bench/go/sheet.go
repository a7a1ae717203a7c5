package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A sheet collects what a run measured. The end of a figure's name is its unit: _s, _ns, _bytes.
type sheet struct {
	arguments map[string]int
	progress  *progress
	Status    string                  `json:"status"`
	Note      string                  `json:"note"`
	Figures   map[string]float64      `json:"figures"`
	Curves    map[string][][2]float64 `json:"curves"`
}

// progress is the page that `weft lab` watches; it hands it over as file descriptor 3.
type progress struct{ done, total uint64 }

func newSheet() *sheet {
	s := &sheet{arguments: map[string]int{}, progress: &progress{}, Status: "ok",
		Figures: map[string]float64{}, Curves: map[string][][2]float64{}}
	if page, err := syscall.Mmap(3, 0, 16, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED); err == nil {
		s.progress = (*progress)(unsafe.Pointer(&page[0]))
	}
	s.set("base_bytes", memory())
	return s
}

func (s *sheet) argument(name string) int {
	value, given := s.arguments[name]
	if !given {
		fmt.Fprintf(os.Stderr, "bench: no argument %q\n", name)
		os.Exit(2)
	}
	return value
}

func (s *sheet) set(figure string, value float64) { s.Figures[figure] = value }

func (s *sheet) expect(steps int) { atomic.StoreUint64(&s.progress.total, uint64(steps)) }
func (s *sheet) step()            { atomic.AddUint64(&s.progress.done, 1) }

func (s *sheet) refuse(reason string) { s.Status, s.Note = "refused", reason }

var percents = []float64{1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9, 100}

// setQuantiles records p50, p99, p99.9 and max of the samples, and a curve for the chart.
func (s *sheet) setQuantiles(name string, samples []time.Duration) {
	if len(samples) == 0 {
		return
	}
	sort.Slice(samples, func(i, j int) bool { return samples[i] < samples[j] })
	at := func(percent float64) float64 {
		return samples[int(percent/100*float64(len(samples)-1)+0.5)].Seconds()
	}
	s.set(name+"_p50_s", at(50))
	s.set(name+"_p99_s", at(99))
	s.set(name+"_p999_s", at(99.9))
	s.set(name+"_max_s", at(100))
	for _, p := range percents {
		s.Curves[name] = append(s.Curves[name], [2]float64{p, at(p)})
	}
}

func (s *sheet) print() {
	s.set("hwm_bytes", procStatus("VmHWM"))
	line, err := json.Marshal(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	fmt.Println(string(line))
}

// procStatus reads a field of /proc/self/status; memory is in bytes.
func procStatus(field string) float64 {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		name, value, found := strings.Cut(line, ":")
		if !found || name != field {
			continue
		}
		words := strings.Fields(value)
		n, _ := strconv.ParseFloat(words[0], 64)
		if len(words) > 1 && words[1] == "kB" {
			n *= 1024
		}
		return n
	}
	return 0
}

// memory is what the lab counts: resident pages and page tables.
func memory() float64 { return procStatus("VmRSS") + procStatus("VmPTE") }

// nsEach is the time since start divided among n.
func nsEach(start time.Time, n int) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}
