package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// sampleAddress is where the samples expect the demo service.
const sampleAddress = "127.0.0.1:18080"

// service is the demo service. Its /healthz answers 200 or 503.
type service struct {
	address string
	broken  atomic.Bool
	// byHand is set once somebody has taken over: the story flips no more.
	byHand atomic.Bool

	server *http.Server
}

// startService listens where the samples expect it, or on a free port where that one is taken.
func startService() (*service, error) {
	listener, err := net.Listen("tcp", sampleAddress)
	if err != nil {
		fmt.Printf("%s is taken, so the demo service and its samples use another port\n", sampleAddress)
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listening for the demo service: %w", err)
	}
	s := &service{address: listener.Addr().String()}
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Println("the demo service ended:", err)
		}
	}()
	return s, nil
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("POST /break", s.takeOver(true))
	mux.HandleFunc("POST /repair", s.takeOver(false))
	mux.HandleFunc("POST /auto", func(http.ResponseWriter, *http.Request) { s.byHand.Store(false) })
	return mux
}

func (s *service) healthz(w http.ResponseWriter, _ *http.Request) {
	if s.broken.Load() {
		http.Error(w, "broken", http.StatusServiceUnavailable)
	}
}

func (s *service) takeOver(broken bool) http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) {
		s.byHand.Store(true)
		s.broken.Store(broken)
	}
}

func (s *service) close() { _ = s.server.Close() }
