package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"

	"k8s.io/client-go/tools/clientcmd"
)

// meter stands between a manager and the API server and counts the bytes that come back, encrypted as they are.
type meter struct {
	kubeconfig string
	received   atomic.Int64
}

// startMeter makes a meter, and a kubeconfig to go through it.
func (w *world) startMeter(name string) (*meter, error) {
	config, err := clientcmd.LoadFromFile(w.plane.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for a manager: %w", err)
	}
	w.cleanup(func() { _ = listener.Close() })
	m := &meter{kubeconfig: filepath.Join(w.dir, name+".kubeconfig")}
	for _, cluster := range config.Clusters {
		upstream := strings.TrimPrefix(cluster.Server, "https://")
		cluster.Server = "https://" + listener.Addr().String()
		go m.serve(listener, upstream)
	}
	if err := clientcmd.WriteToFile(*config, m.kubeconfig); err != nil {
		return nil, fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return m, nil
}

func (m *meter) serve(listener net.Listener, upstream string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", strings.TrimSuffix(upstream, "/")) //nolint:noctx // it ends with the connection
		if err != nil {
			_ = client.Close()
			continue
		}
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		go func() {
			_, _ = io.Copy(client, io.TeeReader(server, m))
			_ = client.Close()
		}()
	}
}

// Write implements io.Writer, to count.
func (m *meter) Write(p []byte) (int, error) {
	m.received.Add(int64(len(p)))
	return len(p), nil
}
