package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pushCommand pushes the image of an archive to its registry, and prints its digest. The index of the platforms is pushed, as
// `release image` told its digest, and not the one around it that every OCI layout has: that names no platform, so that not every
// runtime finds its own behind it.
func pushCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("push", flag.ContinueOnError)
	archive := flags.String("archive", "", "the OCI archive")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *archive == "" || flags.NArg() > 0 {
		return errors.New("usage: release push -archive FILE")
	}
	digest, err := push(ctx, *archive)
	if err != nil {
		return fmt.Errorf("pushing %s: %w", *archive, err)
	}
	fmt.Println(digest)
	return nil
}

// push takes the reference from the archive, and the credentials from where `docker login` leaves them.
func push(ctx context.Context, archive string) (digest v1.Hash, err error) {
	folder, err := os.MkdirTemp("", "aliascheck-push-")
	if err != nil {
		return v1.Hash{}, err
	}
	defer os.RemoveAll(folder)
	index, reference, err := readArchive(archive, folder)
	if err != nil {
		return v1.Hash{}, err
	}
	to, err := name.ParseReference(reference, name.StrictValidation)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := remote.WriteIndex(to, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return v1.Hash{}, err
	}
	return index.Digest()
}
