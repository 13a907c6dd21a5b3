package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// pluginPlatforms are those that people run kubectl on.
const pluginPlatforms = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64"

func pluginsCommand(ctx context.Context, args []string) error {
	var root, version, out, list string
	flags := flag.NewFlagSet("plugins", flag.ContinueOnError)
	flags.StringVar(&root, "source", ".", "folder of the product's go.mod")
	flags.StringVar(&version, "version", "", "version of the plugins")
	flags.StringVar(&out, "out", "", "folder to write into")
	flags.StringVar(&list, "platforms", pluginPlatforms, "comma-separated platforms")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if version == "" || out == "" {
		return fmt.Errorf("-version and -out are needed")
	}
	s, err := findSource(ctx, root)
	if err != nil {
		return err
	}
	platforms, err := parsePlatforms(list)
	if err != nil {
		return err
	}
	return writePlugins(ctx, s, version, out, platforms)
}

// writePlugins writes an archive for each kubectl plugin and platform: the commands whose names begin with kubectl-. Beside
// them is the manifest for krew.
func writePlugins(ctx context.Context, s source, version, out string, platforms []platform) error {
	plugins, err := filepath.Glob(filepath.Join(s.root, "cmd", "kubectl-*"))
	if err != nil {
		return err
	}
	for _, plugin := range plugins {
		for _, p := range platforms {
			if err := writePlugin(ctx, s, filepath.Base(plugin), version, out, p); err != nil {
				return fmt.Errorf("%s for %s: %w", filepath.Base(plugin), p, err)
			}
		}
		if err := writeKrew(filepath.Base(plugin), version, out, platforms); err != nil {
			return fmt.Errorf("the manifest of %s for krew: %w", filepath.Base(plugin), err)
		}
	}
	return nil
}

func writePlugin(ctx context.Context, s source, name, version, out string, p platform) error {
	scratch, err := os.MkdirTemp("", "aliascheck-plugin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	binary := filepath.Join(scratch, name)
	if p.os == "windows" {
		binary += ".exe"
	}
	if err := s.build(ctx, "./cmd/"+name, version, p, binary); err != nil {
		return err
	}
	archive := filepath.Join(out, archiveOf(name, version, p))
	files := []string{binary, filepath.Join(s.root, "LICENSE")}
	if p.os == "windows" {
		return writeZip(archive, files, s.time)
	}
	return writeTarGz(archive, files, s.time)
}

func archiveOf(name, version string, p platform) string {
	stem := fmt.Sprintf("%s-%s-%s-%s", name, version, p.os, p.arch)
	if p.os == "windows" {
		return stem + ".zip"
	}
	return stem + ".tar.gz"
}

func writeTarGz(path string, files []string, modified time.Time) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	compressed := gzip.NewWriter(file)
	writer := tar.NewWriter(compressed)
	for _, name := range files {
		if err := addFile(writer, filepath.Base(name), name, modified); err != nil {
			return err
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	return file.Close()
}

func writeZip(path string, files []string, modified time.Time) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	writer := zip.NewWriter(file)
	for _, name := range files {
		if err := zipFile(writer, name, modified); err != nil {
			return err
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	return file.Close()
}

func zipFile(writer *zip.Writer, name string, modified time.Time) error {
	content, err := os.Open(name)
	if err != nil {
		return err
	}
	defer content.Close()
	entry, err := writer.CreateHeader(&zip.FileHeader{Name: filepath.Base(name), Method: zip.Deflate, Modified: modified})
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, content)
	return err
}
