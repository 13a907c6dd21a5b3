package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy is a running proxy. Close it.
type Proxy struct {
	upstream  *url.URL
	transport http.RoundTripper
	server    *http.Server
	address   string
	faults    *state

	mu     sync.Mutex
	locked struct { // guarded by mu
		connections map[net.Conn]struct{}
		writes      []Write
		pages       map[string]Pages // of sweeps, by resource
		expired     int
	}
}

// Start starts a proxy of the API server that config is for, on a free port of loopback.
func Start(config *rest.Config) (*Proxy, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a transport to the API server: %w", err)
	}
	upstream, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the API server: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	p := &Proxy{
		upstream:  upstream,
		transport: transport,
		address:   "http://" + listener.Addr().String(),
		faults:    newState(),
	}
	p.locked.connections, p.locked.pages = map[net.Conn]struct{}{}, map[string]Pages{}
	p.server = &http.Server{Handler: p, ConnState: p.track, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // it ends with Close, and says only that
	return p, nil
}

// Close cuts all connections and stops listening.
func (p *Proxy) Close() error { return p.server.Close() }

// Config is for clients that have to go through the proxy, without client-side rate limits.
func (p *Proxy) Config() *rest.Config { return &rest.Config{Host: p.address, QPS: -1} }

// WriteKubeconfig writes the same to a file.
func (p *Proxy) WriteKubeconfig(path string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["proxy"] = &clientcmdapi.Cluster{Server: p.address}
	config.Contexts["proxy"] = &clientcmdapi.Context{Cluster: "proxy"}
	config.CurrentContext = "proxy"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing a kubeconfig of the proxy: %w", err)
	}
	return nil
}

// Set replaces all faults, and lets go of what was frozen.
func (p *Proxy) Set(faults Faults) { p.faults.set(faults) }

// FramesHit is how many frames the present faults have swallowed, held or delayed.
func (p *Proxy) FramesHit() int { return p.faults.frameActions() }

// Cut closes every connection to the proxy, without a word.
func (p *Proxy) Cut() {
	p.mu.Lock()
	open := slices.Collect(maps.Keys(p.locked.connections))
	p.mu.Unlock()
	for _, connection := range open {
		_ = connection.Close()
	}
}

// Writes are all writes so far that are of one of these resources; of any, if none is given.
func (p *Proxy) Writes(resources ...string) []Write {
	p.mu.Lock()
	defer p.mu.Unlock()
	var writes []Write
	for _, w := range p.locked.writes {
		if len(resources) == 0 || slices.Contains(resources, w.Resource) {
			writes = append(writes, w)
		}
	}
	return writes
}

// Pages are the lists of metadata that sweeps have asked for, by page.
type Pages struct{ First, Further int }

// Swept is what sweeps have been answered of this resource so far.
func (p *Proxy) Swept(resource string) Pages {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.locked.pages[resource]
}

// Expired is how many watches and lists the API server has answered with 410 Expired so far: what they wanted to
// go on from is gone.
func (p *Proxy) Expired() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.locked.expired
}

func (p *Proxy) track(connection net.Conn, state http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch state {
	case http.StateNew:
		p.locked.connections[connection] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(p.locked.connections, connection)
	}
}

// ServeHTTP handles one call.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	call := callOf(request)
	if !pause(request.Context(), p.faults.slow()) {
		return
	}
	if status := p.faults.answer(call); status != 0 {
		refuse(w, status)
		return
	}
	response, err := p.transport.RoundTrip(p.redirect(request))
	if err != nil {
		panic(http.ErrAbortHandler) // the API server is down; a client without a proxy would see just that
	}
	defer response.Body.Close()
	p.record(call, response.StatusCode)
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	if call.watch && response.StatusCode == http.StatusOK {
		err = p.copyFrames(request.Context(), w, response, call)
	} else {
		_, err = io.Copy(w, response.Body)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// redirect makes the request to the API server. Frames can only be told apart without compression.
func (p *Proxy) redirect(request *http.Request) *http.Request {
	out := request.Clone(request.Context())
	out.RequestURI = ""
	out.Host = p.upstream.Host
	out.URL.Scheme, out.URL.Host = p.upstream.Scheme, p.upstream.Host
	out.Header.Set("Accept-Encoding", "identity")
	return out
}

func (p *Proxy) record(call call, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case call.isWrite():
		p.locked.writes = append(p.locked.writes, call.writeAnswered(status))
	case status == http.StatusGone:
		p.locked.expired++
	case call.metadata && status == http.StatusOK:
		pages := p.locked.pages[call.resource]
		if call.continued {
			pages.Further++
		} else {
			pages.First++
		}
		p.locked.pages[call.resource] = pages
	}
}

func (p *Proxy) recordFrame(f frame) {
	if f.code != http.StatusGone {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.locked.expired++
}

// copyFrames passes frames on in their order, subject to the faults. Frames are read ahead, so that a delay
// adds to each frame's own time of arrival, and not to the delay of the frame before.
func (p *Proxy) copyFrames(ctx context.Context, w http.ResponseWriter, response *http.Response, call call) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil {
		return err
	}
	frames, failed := readAhead(ctx, frameReader(response.Header.Get("Content-Type"), response.Body))
	initial := call.initialEvents
	for f := range frames {
		p.recordFrame(f)
		pass, err := p.suffer(ctx, f, call.resource, initial)
		if err != nil {
			return err
		}
		initial = initial && !f.endsInitialEvents()
		if !pass {
			continue
		}
		if _, err := w.Write(f.bytes); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return <-failed
}

// suffer applies the faults to a frame, and says whether to pass it on.
func (p *Proxy) suffer(ctx context.Context, f frame, resource string, initial bool) (bool, error) {
	for {
		fault, changed := p.faults.frame(resource, initial, f.event)
		switch fault.Action {
		case Swallow:
			return false, nil
		case Delay:
			pause(ctx, time.Until(f.arrived.Add(fault.By)))
			return true, ctx.Err()
		case Freeze:
			select {
			case <-changed:
			case <-ctx.Done():
				return false, ctx.Err()
			}
		default:
			return true, nil
		}
	}
}

// readAhead reads frames until the context or the watch ends, and then says how it ended.
func readAhead(ctx context.Context, read func() (frame, error)) (<-chan frame, <-chan error) {
	frames, failed := make(chan frame, 4096), make(chan error, 1)
	go func() {
		defer close(frames)
		for {
			f, err := read()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if err != nil || len(f.bytes) == 0 {
				failed <- err
				return
			}
			select {
			case frames <- f:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
	}()
	return frames, failed
}

// pause is false if the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
