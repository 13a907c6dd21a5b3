package blackbox

import (
	"bytes"
	"sync"
)

// Log collects what a process prints.
type Log struct {
	mu sync.Mutex
	// buffer is guarded by mu.
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}
