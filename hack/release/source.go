package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// source is the tree that is released.
type source struct {
	// root is the folder of the product's go.mod.
	root string
	// revision is the commit, and time when it was made: all that is written bears this time.
	revision string
	time     time.Time
}

// findSource looks at the folder it is given. $SOURCE_DATE_EPOCH wins over the time of the commit.
func findSource(ctx context.Context, root string) (source, error) {
	s := source{root: root, revision: "unknown", time: time.Unix(0, 0).UTC()}
	if head, err := s.command(ctx, nil, "git", "log", "-1", "--format=%H %ct"); err == nil { // a source archive has no history
		revision, seconds, _ := strings.Cut(strings.TrimSpace(head), " ")
		s.revision = revision
		if err := s.setTime(seconds); err != nil {
			return s, fmt.Errorf("reading the time of the commit: %w", err)
		}
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		if err := s.setTime(epoch); err != nil {
			return s, fmt.Errorf("reading SOURCE_DATE_EPOCH: %w", err)
		}
	}
	return s, nil
}

func (s *source) setTime(seconds string) error {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	s.time = time.Unix(n, 0).UTC()
	return nil
}

// build builds a package of the product for a platform. What it writes depends on the source, the version and Go's own
// version, and on nothing else of this machine.
func (s *source) build(ctx context.Context, pkg, version string, p platform, path string) error {
	environment := []string{
		"CGO_ENABLED=0", "GOOS=" + p.os, "GOARCH=" + p.arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=",
	}
	_, err := s.command(ctx, environment, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+version, "-o", path, pkg)
	if err != nil {
		return fmt.Errorf("building %s for %s: %w", pkg, p, err)
	}
	return nil
}

// command runs a program in the source's folder, and returns what it printed.
func (s *source) command(ctx context.Context, environment []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = s.root
	command.Env = append(os.Environ(), environment...)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(complaint.String()))
	}
	return string(output), nil
}

// platform is an operating system and an architecture, as Go names them.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// parsePlatforms reads "linux/amd64,linux/arm64".
func parsePlatforms(list string) ([]platform, error) {
	var platforms []platform
	for one := range strings.SplitSeq(list, ",") {
		os, arch, found := strings.Cut(one, "/")
		if !found {
			return nil, fmt.Errorf("%q is not a platform, such as linux/amd64", one)
		}
		platforms = append(platforms, platform{os, arch})
	}
	return platforms, nil
}
