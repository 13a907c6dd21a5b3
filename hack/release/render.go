package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// productImage is the image of the manager in config/default.
const productImage = "ghcr.io/aliascheck/aliascheck"

func renderCommand(_ context.Context, args []string) error {
	var image, out string
	flags := flag.NewFlagSet("render", flag.ContinueOnError)
	flags.StringVar(&image, "image", "", "image of the manager, where it is not that of the kustomization")
	flags.StringVar(&out, "out", "", "file to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || out == "" {
		return errors.New("usage: release render -out file [-image name:tag] folder")
	}
	text, err := renderImage(flags.Arg(0), image)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, text, 0o644); err != nil {
		return err
	}
	fmt.Println("wrote", out)
	return nil
}

// renderImage is what `kubectl kustomize` makes of a folder, with another image of the manager if one is given.
func renderImage(folder, image string) ([]byte, error) {
	if image == "" {
		return render(folder)
	}
	overlay, err := os.MkdirTemp(filepath.Dir(folder), ".image-") // kustomize takes relative paths only
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(overlay)
	if err := writeOverlay(overlay, filepath.Join("..", filepath.Base(folder)), image); err != nil {
		return nil, err
	}
	return render(overlay)
}

// writeOverlay writes a kustomization that changes the image of another one.
func writeOverlay(folder, resource, image string) error {
	name, tag, digest := splitImage(image)
	text, err := yaml.Marshal(types.Kustomization{
		Resources: []string{resource},
		Images:    []types.Image{{Name: productImage, NewName: name, NewTag: tag, Digest: digest}},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "kustomization.yaml"), text, 0o600)
}

// splitImage takes name:tag or name@digest apart. A registry's port is no tag.
func splitImage(image string) (name, tag, digest string) {
	if name, digest, found := strings.Cut(image, "@"); found {
		return name, "", digest
	}
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		return image[:colon], image[colon+1:], ""
	}
	return image, "latest", ""
}

func render(folder string) ([]byte, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy // as kubectl does it: namespaces and CRDs first
	objects, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", folder, err)
	}
	return objects.AsYaml()
}
