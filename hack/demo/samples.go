package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// applySamples applies config/samples/demo, pointed at where the demo service really is.
func applySamples(ctx context.Context, cp *controlplane.ControlPlane, address string) error {
	files, err := filepath.Glob(filepath.Join(controlplane.Root(), "config", "samples", "demo", "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("finding config/samples/demo/*.yaml: %d files, %w", len(files), err)
	}
	for _, file := range files {
		if err := applySample(ctx, cp, file, address); err != nil {
			return err
		}
	}
	return nil
}

func applySample(ctx context.Context, cp *controlplane.ControlPlane, file, address string) error {
	manifest, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading a sample: %w", err)
	}
	manifest = bytes.ReplaceAll(manifest, []byte(sampleAddress), []byte(address))
	kubectl, err := cp.Kubectl(ctx, bytes.NewReader(manifest), "apply", "-f", "-")
	if err != nil {
		return err
	}
	output, err := kubectl.CombinedOutput()
	if err != nil {
		return fmt.Errorf("applying %s: %w: %s", filepath.Base(file), err, output)
	}
	fmt.Print(string(output))
	return nil
}
