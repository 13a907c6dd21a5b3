package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// krewPlugin is a manifest of krew, the package manager of kubectl plugins, as far as it is written here.
type krewPlugin struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec krewSpec `json:"spec"`
}

type krewSpec struct {
	Version          string         `json:"version"`
	Homepage         string         `json:"homepage"`
	ShortDescription string         `json:"shortDescription"`
	Description      string         `json:"description"`
	Platforms        []krewPlatform `json:"platforms"`
}

type krewPlatform struct {
	Selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"selector"`
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
	Bin    string `json:"bin"`
}

// writeKrew writes the manifest of a plugin beside its archives, with their checksums: `kubectl krew install --manifest=…`.
func writeKrew(name, version, out string, platforms []platform) error {
	plugin := krewPlugin{APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin"}
	plugin.Metadata.Name = strings.TrimPrefix(name, "kubectl-")
	plugin.Spec = krewSpec{
		Version:          version,
		Homepage:         "https://github.com/aliascheck/aliascheck",
		ShortDescription: "See why a health check is red, and what follows it",
		Description: "Shows what an AliasCheck rests on, down to the object that decided its state, and what hangs on it, up to the pods\n" +
			"that left their Service; as text, or live in a browser. It reads with the rights of its user and writes nothing.\n",
	}
	for _, p := range platforms {
		entry, err := krewPlatformOf(name, version, out, p)
		if err != nil {
			return err
		}
		plugin.Spec.Platforms = append(plugin.Spec.Platforms, entry)
	}
	manifest, err := yaml.Marshal(plugin)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, name+"-"+version+"-krew.yaml"), manifest, 0o644)
}

func krewPlatformOf(name, version, out string, p platform) (krewPlatform, error) {
	file := archiveOf(name, version, p)
	content, err := os.ReadFile(filepath.Join(out, file))
	if err != nil {
		return krewPlatform{}, err
	}
	sum := sha256.Sum256(content)
	entry := krewPlatform{
		URI:    "https://github.com/aliascheck/aliascheck/releases/download/" + version + "/" + file,
		SHA256: hex.EncodeToString(sum[:]),
		Bin:    name,
	}
	if p.os == "windows" {
		entry.Bin += ".exe"
	}
	entry.Selector.MatchLabels = map[string]string{"os": p.os, "arch": p.arch}
	return entry, nil
}
