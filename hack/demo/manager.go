package main

import (
	"bytes"
	"errors"
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
	// exited gets one value when the process ends without having been asked to.
	exited <-chan error

	command *exec.Cmd
	ended   chan struct{}
}

// startManager starts bin/manager in a process group of its own, so that Ctrl-C reaches the demo alone, which
// then ends things in their order.
func startManager(kubeconfig, logPath string) (*manager, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, fmt.Errorf("making a log for the manager: %w", err)
	}
	defer log.Close()
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

	exited := make(chan error, 1)
	m := &manager{exited: exited, command: command, ended: make(chan struct{})}
	go func() {
		defer close(m.ended)
		err := command.Wait()
		exited <- fmt.Errorf("the manager has ended: %w; the end of its log:\n%s", orExitZero(err), lastLines(logPath, 20))
	}()
	return m, nil
}

var errExitZero = errors.New("exit status 0")

func orExitZero(err error) error {
	if err == nil {
		return errExitZero
	}
	return err
}

// stop ends the manager, by force when it does not keep its promise.
func (m *manager) stop() error {
	_ = m.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-m.ended:
		return nil
	case <-time.After(stopTimeout):
		_ = m.command.Process.Kill()
		<-m.ended
		return fmt.Errorf("the manager did not end within %s of SIGTERM", stopTimeout)
	}
}

func lastLines(path string, n int) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
