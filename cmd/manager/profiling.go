//go:build profiling

package main

import (
	"net/http"
	_ "net/http/pprof" // registers its handlers
	"os"
)

// A manager that is built with this tag, as the benchmark does to find costs, serves its profiles to this
// machine. The released one has neither the server nor a flag for it.
func init() {
	server := &http.Server{Addr: os.Getenv("PROFILING_ADDRESS")}
	go func() { _ = server.ListenAndServe() }()
}
