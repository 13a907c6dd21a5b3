package managerprocess

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// StopTimeout is a little more than what the manager promises: to end within 10 s of SIGTERM.
const StopTimeout = 12 * time.Second

// Process is a running manager. Stop it.
type Process struct {
	// Ended is closed when the process has ended, whoever ended it.
	Ended <-chan struct{}
	// Log is the file that its output goes to.
	Log string

	command *exec.Cmd
	result  error // of the process; to be read once Ended is closed
}

// Start starts the manager binary with these flags. It is in a process group of its own, so that a Ctrl-C on
// the terminal reaches the caller alone, who then ends things in their order.
func Start(binary, logPath string, flags ...string) (*Process, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, fmt.Errorf("making a log for the manager: %w", err)
	}
	defer log.Close()
	command := exec.Command(binary, flags...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting the manager: %w", err)
	}

	ended := make(chan struct{})
	p := &Process{Ended: ended, Log: logPath, command: command}
	go func() {
		defer close(ended)
		p.result = command.Wait()
	}()
	return p, nil
}

// Stop sends SIGTERM and waits. It is an error if the process had ended before, if it ends with another exit
// code than 0, or if it has to be killed because it outlives StopTimeout.
func (p *Process) Stop() error {
	select {
	case <-p.Ended:
		return p.Failure()
	default:
	}
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.Ended:
		if p.result != nil {
			return p.Failure()
		}
		return nil
	case <-time.After(StopTimeout):
		_ = p.Signal(syscall.SIGKILL)
		<-p.Ended
		return fmt.Errorf("the manager did not end within %s of SIGTERM", StopTimeout)
	}
}

// Signal sends a signal to the process.
func (p *Process) Signal(signal syscall.Signal) error { return p.command.Process.Signal(signal) }

// Failure says, once Ended is closed, how the process ended, with the last lines of its log.
func (p *Process) Failure() error {
	return fmt.Errorf("the manager ended with %s; the end of its log:\n%s", p.command.ProcessState, lastLines(p.Log, 20))
}

func lastLines(path string, n int) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
