package blackbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// The manager is built once per test binary, with the race detector, and without it for what is measured. The go
// command's cache makes the second time quick.
var (
	raceBinary  = sync.OnceValues(func() (string, error) { return Build("manager-race", "./cmd/manager", "-race") })
	plainBinary = sync.OnceValues(func() (string, error) { return Build("manager-plain", "./cmd/manager") })
)

// Build makes bin/<name> from a package, with flags of go build, and returns its path. Tests of other packages build it
// at the same time, and may be running it: it is renamed into its place when it is whole. It begins as a link to the one
// that is there, which go build leaves alone where it is up to date: the first package links, the others do not.
func Build(name, pkg string, flags ...string) (string, error) {
	path := filepath.Join(controlplane.Root(), "bin", name)
	own := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer os.Remove(own) // it stays where it is a link to what has its place already
	if err := os.Link(path, own); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("building %s: %w", name, err)
	}
	command := exec.Command("go", append(append([]string{"build"}, flags...), "-o", own, pkg)...)
	command.Dir = controlplane.Root()
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", name, err, output)
	}
	if err := os.Rename(own, path); err != nil {
		return "", fmt.Errorf("building %s: %w", name, err)
	}
	return path, nil
}

// Binary is the path of the manager's binary, which is built first if need be.
func Binary() (string, error) { return raceBinary() }

// Manager is a running manager process.
type Manager struct {
	// HealthAddress serves /healthz and /readyz, MetricsAddress /metrics in plain HTTP.
	HealthAddress, MetricsAddress string

	binary, kubeconfig string
	flags, environment []string

	command *exec.Cmd
	log     *Log
	ended   chan struct{}
	result  error
}

// Start builds the manager if need be, and starts it against the API server of a kubeconfig. It may probe
// loopback addresses. Flags are further ones, which win over these.
func Start(kubeconfig string, flags ...string) (*Manager, error) {
	binary, err := raceBinary()
	if err != nil {
		return nil, err
	}
	return start(&Manager{binary: binary, kubeconfig: kubeconfig, flags: flags,
		environment: []string{"KUBE_CACHE_MUTATION_DETECTOR=true"}})
}

// StartLimited is Start of a manager as it is installed, so that what it takes can be measured: without detectors, which
// keep copies, and with a soft limit of the memory of its heap.
func StartLimited(kubeconfig, memory string, flags ...string) (*Manager, error) {
	binary, err := plainBinary()
	if err != nil {
		return nil, err
	}
	return start(&Manager{binary: binary, kubeconfig: kubeconfig, flags: flags,
		environment: []string{"GOMEMLIMIT=" + memory}})
}

func start(m *Manager) (*Manager, error) {
	if err := m.launch(); err != nil {
		return nil, err
	}
	return m, nil
}

// launch starts the process, on addresses that are free now.
func (m *Manager) launch() (err error) {
	if m.HealthAddress, m.MetricsAddress, err = twoFreeAddresses(); err != nil {
		return err
	}
	command := exec.Command(m.binary, append([]string{
		"--kubeconfig=" + m.kubeconfig,
		"--probe-allow-cidrs=127.0.0.0/8,::1/128",
		"--health-probe-bind-address=" + m.HealthAddress,
		"--metrics-bind-address=" + m.MetricsAddress,
		"--metrics-secure=false",
	}, m.flags...)...)
	command.Env = append(os.Environ(), m.environment...)
	m.command, m.log, m.ended = command, &Log{}, make(chan struct{})
	command.Stdout, command.Stderr = m.log, m.log
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the manager: %w", err)
	}
	ended := m.ended
	go func() {
		m.result = command.Wait()
		close(ended)
	}()
	return nil
}

// WaitReady waits until /readyz is ok: the caches are synced. A manager that has lost one of its addresses to
// another process, between the choice and its start, is started again on others.
func (m *Manager) WaitReady(ctx context.Context) error {
	for {
		if m.ready(ctx) {
			return nil
		}
		select {
		case <-m.ended:
			if !strings.Contains(m.Log(), "address already in use") {
				return fmt.Errorf("the manager ended before it was ready: %w: %s", m.result, m.log)
			}
			if err := m.launch(); err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("the manager is not ready: %w: %s", ctx.Err(), m.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (m *Manager) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.HealthAddress+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Metrics is what /metrics serves now.
func (m *Manager) Metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.MetricsAddress+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// Signal sends a signal, such as SIGSTOP.
func (m *Manager) Signal(signal syscall.Signal) error { return m.command.Process.Signal(signal) }

// PeakMemory is the most that the process has had resident, in bytes. It reads /proc, so this needs Linux.
func (m *Manager) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.command.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of the manager: %w", err)
	}
	_, after, found := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil || !found {
		return 0, fmt.Errorf("there is no VmHWM in %q: %w", status, err)
	}
	return kilobytes << 10, nil
}

// OpenFiles is how many file descriptors the process has. It reads /proc, so this needs Linux.
func (m *Manager) OpenFiles() (int, error) {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.command.Process.Pid))
	return len(files), err
}

// Stopped reports whether all threads of the process have taken notice of a SIGSTOP, which is some time after it was
// sent. It reads /proc, so this needs Linux.
func (m *Manager) Stopped() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", m.command.Process.Pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, thread := range threads {
		if status, err := os.ReadFile(thread); err != nil || !strings.Contains(string(status), "State:\tT") {
			return false
		}
	}
	return true
}

// Stop asks the manager to end, and fails if it has not after the ten seconds that it may take, or if it
// ended badly. A race that the detector saw is a bad end.
func (m *Manager) Stop() error {
	if err := m.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the manager: %w", err)
	}
	select {
	case <-m.ended:
		if m.result != nil {
			return fmt.Errorf("the manager ended badly: %w: %s", m.result, m.log)
		}
		return nil
	case <-time.After(10 * time.Second):
		return errors.Join(m.Kill(), fmt.Errorf("the manager had not ended 10s after SIGTERM: %s", m.log))
	}
}

// Kill ends the manager with SIGKILL, and waits until it is gone. The exit code says nothing then, so it fails
// if the log tells of a race that the detector saw.
func (m *Manager) Kill() error {
	_ = m.command.Process.Kill() // it may be gone already
	<-m.ended
	if log := m.Log(); strings.Contains(log, "DATA RACE") {
		return fmt.Errorf("the manager has a data race: %s", log)
	}
	return nil
}

// Ended is closed when the process is gone.
func (m *Manager) Ended() <-chan struct{} { return m.ended }

// Log is what the manager has printed so far.
func (m *Manager) Log() string { return m.log.String() }

// twoFreeAddresses are held at the same time, or the second could be the first again.
func twoFreeAddresses() (health, metrics string, err error) {
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("finding a free port: %w", err)
	}
	defer held.Close()
	metrics, err = FreeAddress()
	return held.Addr().String(), metrics, err
}

// FreeAddress is a loopback address on which nothing listens now.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
