package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// E9: an echo server with a goroutine per connection. The load is weft's, from a process of its own; weft started this one.
func servers(s *sheet) {
	connections := s.argument("connections")
	var files syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files)
	files.Cur = files.Max
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.refuse(err.Error())
		return
	}
	go acceptAll(listener)
	before := memory()
	load := exec.Command(fmt.Sprintf("/proc/%d/exe", os.Getppid()), "lab", "--echo-load",
		strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), strconv.Itoa(connections), strconv.Itoa(s.argument("run-ms")),
		strconv.Itoa(s.argument("idle")))
	input, _ := load.StdinPipe()
	output, _ := load.StdoutPipe()
	if err := load.Start(); err != nil {
		s.refuse(err.Error())
		return
	}
	line, _ := bufio.NewReader(output).ReadBytes('\n')
	json.Unmarshal(line, s) // its figures and curves join ours
	s.set("memory_bytes", memory())
	s.set("memory_each_bytes", max(0, memory()-before)/float64(connections))
	input.Close()
	load.Wait()
}

func acceptAll(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			var buffer [1024]byte
			for {
				n, err := client.Read(buffer[:])
				if err != nil {
					return
				}
				if _, err := client.Write(buffer[:n]); err != nil {
					return
				}
			}
		}()
	}
}
