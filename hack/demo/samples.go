package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// fieldOwner is who the samples were applied by, as the API server notes it.
const fieldOwner = client.FieldOwner("aliascheck-demo")

// applySamples applies config/samples/demo, pointed at where the demo service really is.
func applySamples(ctx context.Context, cp *controlplane.ControlPlane, address string) error {
	files, err := filepath.Glob(filepath.Join(controlplane.Root(), "config", "samples", "demo", "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("finding config/samples/demo/*.yaml: %d files, %w", len(files), err)
	}
	api, err := client.New(cp.Config, client.Options{})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	for _, file := range files {
		if err := applySample(ctx, api, file, address); err != nil {
			return err
		}
	}
	return nil
}

// applySample applies a file as kubectl would, which takes minutes to build, and is not needed for anything else here.
func applySample(ctx context.Context, api client.Client, file, address string) error {
	manifest, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading a sample: %w", err)
	}
	manifest = bytes.ReplaceAll(manifest, []byte(sampleAddress), []byte(address))
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := documents.Decode(object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading %s: %w", filepath.Base(file), err)
		}
		if len(object.Object) == 0 {
			continue // nothing but a comment
		}
		if err := apply(ctx, api, object); err != nil {
			return err
		}
	}
}

func apply(ctx context.Context, api client.Client, object *unstructured.Unstructured) error {
	if object.GetNamespace() == "" {
		object.SetNamespace("default")
	}
	name := fmt.Sprintf("%s/%s", strings.ToLower(object.GetKind()), object.GetName())
	if err := api.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner); err != nil {
		return fmt.Errorf("applying %s: %w", name, err)
	}
	fmt.Println(name, "applied")
	return nil
}
