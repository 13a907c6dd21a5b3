package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// auditPolicy makes the API server note every request of the manager, and of nobody else: its kubeconfig is for a user
// of its own.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
"rules": [{"level": "Metadata", "users": ["administrator"]}, {"level": "None"}]}`

// auditLog is what an API server notes with the flags of audited.
func auditLog(dir string) string { return filepath.Join(dir, "audit.log") }

// audited are the flags of an API server that keeps a list of the manager's requests.
func audited(dir string) (map[string]string, error) {
	policy := filepath.Join(dir, "audit.json")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, fmt.Errorf("writing the audit policy: %w", err)
	}
	return map[string]string{
		"audit-policy-file": policy, "audit-log-path": auditLog(dir), "audit-log-maxsize": "10000", // MiB: never rotated
	}, nil
}

// call is a request as the API server noted it.
type call struct {
	Stage     string
	Verb      string
	ObjectRef struct{ Resource, Subresource string }
}

// size is how long the log is now.
func (w *world) auditSize() (int64, error) {
	info, err := os.Stat(auditLog(w.dir))
	if err != nil {
		return 0, fmt.Errorf("looking at the audit log: %w", err)
	}
	return info.Size(), nil
}

// requests counts, by verb and resource, what was noted since the log had this size. A watch is noted where it begins.
func (w *world) requests(since int64) (map[string]int, error) {
	file, err := os.Open(auditLog(w.dir))
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(since, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	counts := map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			continue // the last line, half written
		}
		if (c.Verb == "watch") == (c.Stage == "ResponseStarted") {
			counts[c.name()]++
		}
	}
	return counts, lines.Err()
}

func (c call) name() string {
	name := c.Verb + " " + c.ObjectRef.Resource
	if c.ObjectRef.Subresource != "" {
		name += "/" + c.ObjectRef.Subresource
	}
	return name
}
