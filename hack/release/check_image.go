package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	spdxjson "github.com/spdx/tools-golang/json"
)

// checkImage: the archive is whole, has the name that is installed, and its binaries are those of the documents beside it.
func (d downloaded) checkImage() error {
	folder, err := os.MkdirTemp("", "aliascheck-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	index, reference, err := readArchive(d.path(d.file("-image.tar")), folder)
	if err != nil {
		return err
	}
	if want := productImage + ":" + d.version; reference != want {
		return fmt.Errorf("it is called %s, and not %s", reference, want)
	}
	if err := validate.Index(index); err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	var wrong []error
	for _, one := range manifest.Manifests {
		p := platform{one.Platform.OS, one.Platform.Architecture}
		image, err := index.Image(one.Digest)
		if err == nil {
			err = d.checkDocument(image, p)
		}
		wrong = append(wrong, about(p.String(), err))
	}
	return errors.Join(wrong...)
}

// readArchive unpacks an archive into a folder, and reads the one index that is in it and its name.
func readArchive(path, folder string) (index v1.ImageIndex, reference string, err error) {
	if err := unpack(path, folder); err != nil {
		return nil, "", err
	}
	outer, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, "", err
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		return nil, "", err
	}
	if len(manifest.Manifests) != 1 {
		return nil, "", fmt.Errorf("the layout has %d images", len(manifest.Manifests))
	}
	one := manifest.Manifests[0]
	index, err = outer.ImageIndex(one.Digest)
	return index, one.Annotations["io.containerd.image.name"], err
}

// checkDocument: each binary of the image is described, by its checksum.
func (d downloaded) checkDocument(image v1.Image, p platform) error {
	file := sbomPath(imageOptions{archive: d.path(d.file("-image.tar"))}, p)
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	document, err := spdxjson.Read(bytes.NewReader(content))
	if err != nil {
		return err
	}
	var described []string
	for _, one := range document.Packages {
		for _, sum := range one.PackageChecksums {
			described = append(described, sum.Value)
		}
	}
	binaries, err := binariesOf(image)
	if err != nil {
		return err
	}
	for name, binary := range binaries {
		if !slices.Contains(described, hexSum(binary)) {
			return fmt.Errorf("%s does not describe %s as it is", filepath.Base(file), name)
		}
	}
	return nil
}

func binariesOf(image v1.Image) (map[string][]byte, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	if len(layers) != 1 {
		return nil, fmt.Errorf("it has %d layers", len(layers))
	}
	layer, err := layers[0].Uncompressed()
	if err != nil {
		return nil, err
	}
	defer layer.Close()
	return filesOfTar(layer)
}
