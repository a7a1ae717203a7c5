// Echo server: a goroutine per connection, as one would write it. Twin of ../../echo/weft.cpp.
package main

import (
	"log"
	"net"
	"os"
)

func main() {
	where := "127.0.0.1:7000"
	if len(os.Args) > 1 {
		where = os.Args[1]
	}
	server, err := net.Listen("tcp", where)
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := server.Accept()
		if err != nil {
			log.Fatal(err)
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
