package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
)

// Process is a process of a control plane, to be broken on purpose. It is found in /proc, so this needs Linux.
type Process struct {
	path    string
	args    []string
	pid     int
	command *exec.Cmd // nil until Start has replaced the first one
}

// Process is a process of this control plane, by the name of its binary. Ask once for each name: a process
// that was started again is known to the one that started it only.
func (cp *ControlPlane) Process(name string) (*Process, error) {
	marker, err := cp.marker(name)
	if err != nil {
		return nil, err
	}
	commandLines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", name, err)
	}
	for _, file := range commandLines {
		raw, err := os.ReadFile(file)
		args := strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
		if err != nil || filepath.Base(args[0]) != name || !bytes.Contains(raw, []byte(marker)) {
			continue // or it has ended since
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", name, err)
		}
		p := &Process{path: args[0], args: args[1:], pid: pid}
		cp.broken = append(cp.broken, p)
		return p, nil
	}
	return nil, fmt.Errorf("%s does not run here", name)
}

// marker is what tells a process of this control plane from those of others: a folder or port of its own.
func (cp *ControlPlane) marker(name string) (string, error) {
	switch name {
	case "etcd":
		return cp.environment.ControlPlane.Etcd.DataDir, nil
	case "kube-apiserver":
		return cp.environment.ControlPlane.GetAPIServer().CertDir, nil
	default:
		return "", fmt.Errorf("%s cannot be broken: only etcd and kube-apiserver can", name)
	}
}

// EtcdURL is where etcd listens, without TLS.
func (cp *ControlPlane) EtcdURL() string { return cp.environment.ControlPlane.Etcd.URL.String() }

// PID is the process id, which changes with Start.
func (p *Process) PID() int { return p.pid }

// Signal sends a signal, such as SIGSTOP.
func (p *Process) Signal(signal syscall.Signal) error { return syscall.Kill(p.pid, signal) }

// Kill ends the process with SIGKILL and waits until it is gone.
func (p *Process) Kill(ctx context.Context) error {
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing %s: %w", p.path, err)
	}
	if p.command != nil {
		_ = p.command.Wait() // it was killed
	}
	return poll(ctx, func() bool { return errors.Is(p.Signal(0), syscall.ESRCH) })
}

// Start starts a process that was killed, as it was.
func (p *Process) Start() error {
	p.command = exec.Command(p.path, p.args...)
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.path, err)
	}
	p.pid = p.command.Process.Pid
	return nil
}

// end is for Stop of the control plane.
func (p *Process) end() {
	_ = p.Signal(syscall.SIGCONT)
	if p.command != nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
}

// WaitReady waits until the API server answers that it is ready.
func (cp *ControlPlane) WaitReady(ctx context.Context) error {
	client, err := rest.HTTPClientFor(cp.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	address, _, err := rest.DefaultServerUrlFor(cp.Config)
	if err != nil {
		return fmt.Errorf("reading the address of the API server: %w", err)
	}
	client.Timeout = time.Second
	defer client.CloseIdleConnections()
	return poll(ctx, func() bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.JoinPath("readyz").String(), nil)
		if err != nil {
			return false
		}
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func poll(ctx context.Context, done func() bool) error {
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
