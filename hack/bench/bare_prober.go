package main

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/health"
)

// probeBarely is the least that the same probes cost: a goroutine for each, a timer and net/http. A probe
// opens a connection of its own and takes half an interval at most, as those of the manager do.
func probeBarely(ctx context.Context, url string, checks int, interval time.Duration) {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	client := &http.Client{Transport: transport, Timeout: interval / 2}
	var running sync.WaitGroup
	for i := range checks {
		name := named("check", i)
		schedule := health.ScheduleFor(types.UID(name), interval)
		running.Go(func() {
			for pause(ctx, time.Until(schedule.After(time.Now()))) == nil {
				probeOnce(ctx, client, url+name)
			}
		})
	}
	running.Wait()
}

func probeOnce(ctx context.Context, client *http.Client, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	response, err := client.Do(request)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}
