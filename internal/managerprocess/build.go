package managerprocess

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// Build builds the manager into the file path. Go's build cache makes it quick when nothing has changed.
func Build(ctx context.Context, path string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/manager")
	build.Dir = controlplane.Root()
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the manager: %w: %s", err, output)
	}
	return nil
}
