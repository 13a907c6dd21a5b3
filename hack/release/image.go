package main

import (
	"archive/tar"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nobody is the user that the process runs as, where nothing else is said.
const nobody = "65532:65532"

// imagePackages are those of the product's image: the manager, and the plugin, which config/components/wallboard runs.
const imagePackages = "./cmd/manager,./cmd/kubectl-aliascheck"

// imageOptions say what an image is made of: static binaries, and nothing else.
type imageOptions struct {
	// name is that of the image without its tag, which is the version.
	name, version string
	// pkgs are the Go packages of the binaries, whose base names are their paths in the image. The first is its entry point.
	pkgs      []string
	platforms []platform
	// archive is the file to write. Beside it, a document of what is inside is written for each platform.
	archive string
}

func imageCommand(ctx context.Context, args []string) error {
	var o imageOptions
	var root, packages, platforms string
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&root, "source", ".", "folder of the product's go.mod")
	flags.StringVar(&o.name, "name", "ghcr.io/aliascheck/aliascheck", "name of the image, without a tag")
	flags.StringVar(&o.version, "version", "", "version, which is the tag too")
	flags.StringVar(&packages, "package", imagePackages, "comma-separated packages of the binaries; the image runs the first")
	flags.StringVar(&platforms, "platforms", "linux/amd64,linux/arm64", "comma-separated platforms")
	flags.StringVar(&o.archive, "out", "", "file to write, an OCI archive")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.version == "" || o.archive == "" {
		return fmt.Errorf("-version and -out are needed")
	}
	o.pkgs = strings.Split(packages, ",")
	var err error
	if o.platforms, err = parsePlatforms(platforms); err != nil {
		return err
	}
	s, err := findSource(ctx, root)
	if err != nil {
		return err
	}
	digest, err := writeImage(ctx, s, o)
	if err != nil {
		return err
	}
	fmt.Printf("%s:%s@%s is in %s\n", o.name, o.version, digest, o.archive)
	return nil
}

// writeImage builds the binaries, and writes the archive and the documents. It returns the digest of the image.
func writeImage(ctx context.Context, s source, o imageOptions) (v1.Hash, error) {
	scratch, err := os.MkdirTemp("", "aliascheck-image-")
	if err != nil {
		return v1.Hash{}, err
	}
	defer os.RemoveAll(scratch)

	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range o.platforms {
		binaries, err := o.build(ctx, s, p, scratch)
		if err != nil {
			return v1.Hash{}, err
		}
		image, err := imageOf(s, o, p, binaries)
		if err != nil {
			return v1.Hash{}, fmt.Errorf("making the image for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
		if err := writeSBOM(s, o, p, binaries); err != nil {
			return v1.Hash{}, fmt.Errorf("writing what is inside the image for %s: %w", p, err)
		}
	}
	index = mutate.Annotations(index, o.labels(s)).(v1.ImageIndex)
	if err := writeArchive(o.archive, index, o.name+":"+o.version, s.time); err != nil {
		return v1.Hash{}, fmt.Errorf("writing %s: %w", o.archive, err)
	}
	return index.Digest()
}

// entries are the paths of the binaries in the image: the names of their packages, or of the image where that is the
// module's root. The image runs the first.
func (o imageOptions) entries() []string {
	var entries []string
	for _, pkg := range o.pkgs {
		if pkg == "." {
			pkg = o.name
		}
		entries = append(entries, path.Base(pkg))
	}
	return entries
}

// build builds the binaries for a platform.
func (o imageOptions) build(ctx context.Context, s source, p platform, folder string) ([]string, error) {
	var binaries []string
	for i, pkg := range o.pkgs {
		binary := filepath.Join(folder, fmt.Sprintf("%s-%s-%d", p.os, p.arch, i))
		if err := s.build(ctx, pkg, o.version, p, binary); err != nil {
			return nil, err
		}
		binaries = append(binaries, binary)
	}
	return binaries, nil
}

// labels are those of the OCI image specification; the index has them as annotations.
func (o imageOptions) labels(s source) map[string]string {
	const repository = "https://github.com/aliascheck/aliascheck"
	return map[string]string{
		"org.opencontainers.image.title":         path.Base(o.name),
		"org.opencontainers.image.description":   "Health checks and aliases of health, as Kubernetes objects",
		"org.opencontainers.image.source":        repository,
		"org.opencontainers.image.url":           repository,
		"org.opencontainers.image.documentation": repository + "/blob/" + o.version + "/README.md",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.version":       o.version,
		"org.opencontainers.image.revision":      s.revision,
		"org.opencontainers.image.created":       s.time.Format(time.RFC3339),
	}
}

// imageOf is an image from nothing, with one layer that has the binaries in it.
func imageOf(s source, o imageOptions, p platform, binaries []string) (v1.Image, error) {
	entries := o.entries()
	content, err := layerOf(binaries, entries, s.time)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer: layer, History: v1.History{CreatedBy: "release image " + strings.Join(o.pkgs, ","), Created: v1.Time{Time: s.time}},
	})
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, o.config(s, p, entries[0], image))
}

func (o imageOptions) config(s source, p platform, entry string, image v1.Image) *v1.ConfigFile {
	config, _ := image.ConfigFile() // it is in memory
	config = config.DeepCopy()
	config.OS, config.Architecture = p.os, p.arch
	config.Created = v1.Time{Time: s.time}
	config.Config = v1.Config{User: nobody, Entrypoint: []string{"/" + entry}, Labels: o.labels(s)}
	return config
}

// layerOf is a layer, uncompressed, with binaries in its root.
func layerOf(binaries, entries []string, modified time.Time) ([]byte, error) {
	var layer bytes.Buffer
	writer := tar.NewWriter(&layer)
	for i, binary := range binaries {
		content, err := os.ReadFile(binary)
		if err != nil {
			return nil, err
		}
		header := &tar.Header{
			Name: entries[i], Typeflag: tar.TypeReg, Mode: 0o555, Size: int64(len(content)), ModTime: modified, Format: tar.FormatPAX,
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(content); err != nil {
			return nil, err
		}
	}
	return layer.Bytes(), writer.Close()
}
