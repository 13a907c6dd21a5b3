package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// filesOfArchive are the files of a .tar, .tar.gz, .tgz or .zip, by their names in it.
func filesOfArchive(path string) (map[string][]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".zip") {
		return filesOfZip(content)
	}
	var reader io.Reader = bytes.NewReader(content)
	if !strings.HasSuffix(path, ".tar") {
		if reader, err = gzip.NewReader(reader); err != nil {
			return nil, err
		}
	}
	return filesOfTar(reader)
}

func filesOfTar(reader io.Reader) (map[string][]byte, error) {
	found := map[string][]byte{}
	for files := tar.NewReader(reader); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if found[header.Name], err = io.ReadAll(files); err != nil {
			return nil, err
		}
	}
}

func filesOfZip(content []byte) (map[string][]byte, error) {
	found := map[string][]byte{}
	files, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	for _, file := range files.File {
		body, err := files.Open(file.Name)
		if err != nil {
			return nil, err
		}
		if found[file.Name], err = io.ReadAll(body); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// unpack writes the files of an archive below a folder.
func unpack(path, folder string) error {
	files, err := filesOfArchive(path)
	if err != nil {
		return err
	}
	for name, content := range files {
		target := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, content, 0o755); err != nil {
			return err
		}
	}
	return nil
}
