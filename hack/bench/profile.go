package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// profiled runs a measurement, and takes a CPU profile of the manager meanwhile and a profile of its
// allocations afterwards, if that is asked for.
func (m *manager) profiled(ctx context.Context, b *bench, section string, length time.Duration, measure func() error) error {
	if b.profiles == "" {
		return measure()
	}
	taken := make(chan error, 1)
	go func() {
		taken <- m.saveProfile(ctx, b.profiles, fmt.Sprintf("profile?seconds=%d", int(length.Seconds())), section+".cpu")
	}()
	if err := measure(); err != nil {
		return err
	}
	if err := <-taken; err != nil {
		return err
	}
	return m.saveProfile(ctx, b.profiles, "allocs", section+".allocs")
}

func (m *manager) saveProfile(ctx context.Context, folder, which, name string) error {
	content, err := get(ctx, "http://"+m.profiles+"/debug/pprof/"+which)
	if err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder for profiles: %w", err)
	}
	return os.WriteFile(filepath.Join(folder, name), content, 0o600)
}
