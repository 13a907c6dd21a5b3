// Command web is what runs in the pods of the tests on a real node: a server, of HTTP and of gRPC health, that can be broken
// and repaired, or with arguments a program that ends with an exit code: web exit 3.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "exit" {
		code, err := strconv.Atoi(os.Args[2])
		if err != nil {
			code = 2
		}
		os.Exit(code)
	}
	go end(serveGRPC)
	end(serveHTTP)
}

func end(serve func() error) {
	fmt.Fprintln(os.Stderr, serve())
	os.Exit(1)
}

func serveHTTP() error {
	var broken atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/break", func(http.ResponseWriter, *http.Request) { broken.Store(true) })
	mux.HandleFunc("/fix", func(http.ResponseWriter, *http.Request) { broken.Store(false) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: time.Second}
	return server.ListenAndServe()
}

func serveGRPC() error {
	listener, err := net.Listen("tcp", ":9000")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	return server.Serve(listener)
}
