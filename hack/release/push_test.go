package main

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestWhatIsPushedIsTheIndexOfThePlatforms(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	o := imageOptions{
		name: strings.TrimPrefix(server.URL, "http://") + "/product", version: "v1.2.3", pkgs: []string{"./cmd/manager"},
		platforms: bothPlatforms, archive: t.TempDir() + "/product.tar",
	}
	built, err := writeImage(t.Context(), product(t), o)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := push(t.Context(), o.archive)
	if err != nil {
		t.Fatal(err)
	}
	if digest != built {
		t.Errorf("pushed %s, and built %s", digest, built)
	}
	reference, err := name.ParseReference(o.name + ":" + o.version)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bothPlatforms {
		// What a runtime does: it asks for the tag, and picks its platform from what that is.
		image, err := remote.Image(reference, remote.WithPlatform(v1.Platform{OS: p.os, Architecture: p.arch}), remote.WithContext(t.Context()))
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		config, err := image.ConfigFile()
		if err != nil || config.OS != p.os || config.Architecture != p.arch {
			t.Errorf("%s: got %+v, %v", p, config, err)
		}
	}
	pulled, err := remote.Get(reference, remote.WithContext(t.Context()))
	if err != nil || pulled.Digest != digest {
		t.Errorf("the tag is of %+v, %v", pulled, err)
	}
}
