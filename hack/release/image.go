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
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nobody is the user that the process runs as, where nothing else is said.
const nobody = "65532:65532"

// imageOptions say what an image is made of: one static binary, and nothing else.
type imageOptions struct {
	// name is that of the image without its tag, which is the version.
	name, version string
	// pkg is the Go package of the binary.
	pkg       string
	platforms []platform
	// archive is the file to write. Beside it, a document of what is inside is written for each platform.
	archive string
}

func imageCommand(ctx context.Context, args []string) error {
	var o imageOptions
	var root, platforms string
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&root, "source", ".", "folder of the product's go.mod")
	flags.StringVar(&o.name, "name", "ghcr.io/aliascheck/aliascheck", "name of the image, without a tag")
	flags.StringVar(&o.version, "version", "", "version, which is the tag too")
	flags.StringVar(&o.pkg, "package", "./cmd/manager", "package of the binary")
	flags.StringVar(&platforms, "platforms", "linux/amd64,linux/arm64", "comma-separated platforms")
	flags.StringVar(&o.archive, "out", "", "file to write, an OCI archive")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.version == "" || o.archive == "" {
		return fmt.Errorf("-version and -out are needed")
	}
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
		binary := filepath.Join(scratch, p.os+"-"+p.arch)
		if err := s.build(ctx, o.pkg, o.version, p, binary); err != nil {
			return v1.Hash{}, err
		}
		image, err := imageOf(s, o, p, binary)
		if err != nil {
			return v1.Hash{}, fmt.Errorf("making the image for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
		if err := writeSBOM(s, o, p, binary); err != nil {
			return v1.Hash{}, fmt.Errorf("writing what is inside the image for %s: %w", p, err)
		}
	}
	index = mutate.Annotations(index, o.labels(s)).(v1.ImageIndex)
	if err := writeArchive(o.archive, index, o.name+":"+o.version, s.time); err != nil {
		return v1.Hash{}, fmt.Errorf("writing %s: %w", o.archive, err)
	}
	return index.Digest()
}

// entry is the path of the binary in the image: the name of its package, or of the image where that is the module's root.
func (o imageOptions) entry() string {
	if o.pkg == "." {
		return path.Base(o.name)
	}
	return path.Base(o.pkg)
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

// imageOf is an image from nothing, with one layer that has the binary in it.
func imageOf(s source, o imageOptions, p platform, binary string) (v1.Image, error) {
	entry := o.entry()
	content, err := layerOf(binary, entry, s.time)
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
		Layer: layer, History: v1.History{CreatedBy: "release image " + o.pkg, Created: v1.Time{Time: s.time}},
	})
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, o.config(s, p, entry, image))
}

func (o imageOptions) config(s source, p platform, entry string, image v1.Image) *v1.ConfigFile {
	config, _ := image.ConfigFile() // it is in memory
	config = config.DeepCopy()
	config.OS, config.Architecture = p.os, p.arch
	config.Created = v1.Time{Time: s.time}
	config.Config = v1.Config{User: nobody, Entrypoint: []string{"/" + entry}, Labels: o.labels(s)}
	return config
}

// layerOf is a layer, uncompressed, with a binary in its root.
func layerOf(binary, entry string, modified time.Time) ([]byte, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	writer := tar.NewWriter(&layer)
	header := &tar.Header{
		Name: entry, Typeflag: tar.TypeReg, Mode: 0o555, Size: int64(len(content)), ModTime: modified, Format: tar.FormatPAX,
	}
	if err := writer.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	return layer.Bytes(), writer.Close()
}
