package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// arrival is a probe as its subject saw it.
type arrival struct {
	id string
	at time.Time
}

// subject is what is probed. It notes who comes when, by series.
type subject struct {
	url    string
	server *http.Server
	// over ends the requests that hang.
	over chan struct{}
	// hangEvery makes every so many-th check hang; 0 none.
	hangEvery atomic.Int64
	// fails makes all of it answer as a server that is down.
	fails atomic.Bool

	mu sync.Mutex
	// arrivals are guarded by mu.
	arrivals map[string][]arrival
}

func startSubject() (*subject, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for probes: %w", err)
	}
	s := &subject{url: "http://" + listener.Addr().String(), over: make(chan struct{}), arrivals: map[string][]arrival{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// hanging is a URL that never answers.
func (s *subject) hanging() string { return s.url + "/hang" }

// noting is a URL that answers at once, unless it is its turn to hang; id is noted in the series.
func (s *subject) noting(series, id string) string { return s.url + "/" + series + "/" + id }

// hangs reports whether it is the turn of a check to hang.
func (s *subject) hangs(id string) bool {
	every := s.hangEvery.Load()
	i, err := strconv.ParseInt(id[strings.LastIndexByte(id, '-')+1:], 10, 64)
	return every > 0 && err == nil && i%every == 0
}

// ServeHTTP implements http.Handler.
func (s *subject) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	at := time.Now()
	series, id, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	if id != "" {
		s.note(series, arrival{id, at})
	}
	if series == "hang" || s.hangs(id) {
		select {
		case <-s.over:
		case <-request.Context().Done():
		}
	}
	if s.fails.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (s *subject) note(series string, a arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals[series] = append(s.arrivals[series], a)
}

// noted are the arrivals of a series in a span of time.
func (s *subject) noted(series string, from, to time.Time) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	var noted []arrival
	for _, a := range s.arrivals[series] {
		if a.at.After(from) && a.at.Before(to) {
			noted = append(noted, a)
		}
	}
	return noted
}

// seen is how many different ids of a series have arrived since.
func (s *subject) seen(series string, since time.Time) int {
	ids := map[string]bool{}
	for _, a := range s.noted(series, since, time.Now()) {
		ids[a.id] = true
	}
	return len(ids)
}

func (s *subject) close() {
	close(s.over)
	_ = s.server.Close()
}
