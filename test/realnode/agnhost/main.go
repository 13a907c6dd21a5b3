// Command agnhost stands for the image of the README, which a machine without the internet cannot pull: agnhost netexec serves
// HTTP on port 8080.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] != "netexec" {
		fmt.Fprintln(os.Stderr, "usage: agnhost netexec")
		os.Exit(2)
	}
	server := &http.Server{
		Addr: ":8080", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Second,
	}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
