package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a child whose costs are measured: the manager, or a baseline in a process of its own.
type process struct {
	command *exec.Cmd
	log     string
	ended   chan struct{}
}

func startProcess(binary, log string, environment []string, args ...string) (*process, error) {
	output, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("making a log: %w", err)
	}
	defer output.Close()
	p := &process{command: exec.Command(binary, args...), log: log, ended: make(chan struct{})}
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stdout, p.command.Stderr = output, output
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) signal(signal syscall.Signal) { _ = p.command.Process.Signal(signal) }

// stop ends the process, with force if it takes too long.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(12 * time.Second):
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

// failure is what the log of a process that ended early says last.
func (p *process) failure() error {
	content, _ := os.ReadFile(p.log)
	return fmt.Errorf("the process ended: …%s", content[max(0, len(content)-2000):])
}

// cpu is the processor time that the process has used, user and system, with all its threads.
func (p *process) cpu() (time.Duration, error) { return cpuOf(p.command.Process.Pid) }

// cpuOf reads the CPU clock of a process, in nanoseconds: what clock_getcpuclockid(3) makes of a process id. The times
// in /proc/<pid>/stat come in steps of 10 ms, which is more than small costs are.
func cpuOf(pid int) (time.Duration, error) {
	const clockOfScheduler = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|clockOfScheduler), &used); err != nil {
		return 0, fmt.Errorf("reading the CPU time of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}

// resident is the memory of the process in MiB.
func (p *process) resident() (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.command.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading resident memory: %w", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(content))[1], 10, 64)
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20), err
}
