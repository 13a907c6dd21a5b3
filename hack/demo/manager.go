package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// stopTimeout is a little more than what the manager promises: to end within 10 s of SIGTERM.
const stopTimeout = 12 * time.Second

// manager is the built binary, running.
type manager struct {
	// ended is closed when the process has ended, whoever ended it.
	ended chan struct{}

	log     string
	command *exec.Cmd
}

// startManager starts bin/manager. It is in a process group of its own, so that Ctrl-C reaches the demo alone,
// which then ends things in their order.
func startManager(kubeconfig, logPath string) (*manager, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, fmt.Errorf("making a log for the manager: %w", err)
	}
	defer log.Close()
	// It may probe loopback, where the demo service is, and opens no ports of its own.
	command := exec.Command(filepath.Join(controlplane.Root(), "bin", "manager"),
		"--kubeconfig="+kubeconfig,
		"--probe-allow-cidrs=127.0.0.0/8,::1/128",
		"--leader-elect=false",
		"--metrics-bind-address=0",
		"--health-probe-bind-address=0",
	)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting the manager: %w", err)
	}

	m := &manager{ended: make(chan struct{}), log: logPath, command: command}
	go func() {
		defer close(m.ended)
		_ = command.Wait() // failure tells how it ended
	}()
	return m, nil
}

// stop sends SIGTERM and waits. It fails if the process had ended before, ends badly, or has to be killed.
func (m *manager) stop() error {
	select {
	case <-m.ended:
		return m.failure()
	default:
	}
	_ = m.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-m.ended:
		if !m.command.ProcessState.Success() {
			return m.failure()
		}
		return nil
	case <-time.After(stopTimeout):
		_ = m.command.Process.Kill()
		<-m.ended
		return fmt.Errorf("the manager did not end within %s of SIGTERM", stopTimeout)
	}
}

// failure says, once ended is closed, how the process ended, with the last lines of its log.
func (m *manager) failure() error {
	return fmt.Errorf("the manager ended with %s; the end of its log:\n%s", m.command.ProcessState, lastLines(m.log, 20))
}

func lastLines(path string, n int) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
