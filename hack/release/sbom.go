package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// noAssertion is SPDX for what nobody has looked into.
const noAssertion = "NOASSERTION"

// writeSBOM writes an SPDX document of the binaries in an image, beside the image's archive: the modules that the linker
// has put into them, as each says itself.
func writeSBOM(s source, o imageOptions, p platform, binaries []string) error {
	document, err := sbomOf(s, o, p, binaries)
	if err != nil {
		return err
	}
	file, err := os.Create(sbomPath(o, p))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := spdxjson.Write(document, file, spdxjson.Indent("  ")); err != nil {
		return err
	}
	return file.Close()
}

// sbomPath of /some/aliascheck.tar is /some/aliascheck-linux-amd64.spdx.json.
func sbomPath(o imageOptions, p platform) string {
	stem := strings.TrimSuffix(o.archive, filepath.Ext(o.archive))
	return fmt.Sprintf("%s-%s-%s.spdx.json", stem, p.os, p.arch)
}

func sbomOf(s source, o imageOptions, p platform, binaries []string) (*spdx.Document, error) {
	name := fmt.Sprintf("%s-%s-%s-%s", path.Base(o.name), o.version, p.os, p.arch)
	document := &spdx.Document{
		SPDXVersion:    spdx.Version,
		DataLicense:    spdx.DataLicense,
		SPDXIdentifier: "DOCUMENT",
		DocumentName:   name,
		CreationInfo: &spdx.CreationInfo{
			Created:  s.time.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "aliascheck-release"}},
		},
	}
	sums := sha256.New()
	for i, binary := range binaries {
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(binary)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		sums.Write(sum[:])
		describe(document, binaryPackage(info, o, i, hex.EncodeToString(sum[:])), modulesOf(info))
	}
	document.DocumentNamespace = "https://github.com/aliascheck/aliascheck/spdx/" + name + "-" + hex.EncodeToString(sums.Sum(nil))[:16]
	return document, nil
}

// binaryPackage is a binary. What is in an image is named by its path there, the first by the product alone.
func binaryPackage(info *debug.BuildInfo, o imageOptions, i int, sum string) *spdx.Package {
	name, id := info.Main.Path, "Package-binary"
	if i > 0 {
		name, id = info.Path, "Package-binary-"+path.Base(o.pkgs[i])
	}
	return &spdx.Package{
		PackageName:             name,
		PackageSPDXIdentifier:   common.ElementID(id),
		PackageVersion:          o.version,
		PackageDownloadLocation: "https://github.com/aliascheck/aliascheck/releases/tag/" + o.version,
		PackageLicenseConcluded: "Apache-2.0",
		PackageLicenseDeclared:  "Apache-2.0",
		PackageCopyrightText:    noAssertion,
		PrimaryPackagePurpose:   "APPLICATION",
		PackageChecksums:        []common.Checksum{{Algorithm: common.SHA256, Value: sum}},
	}
}

// describe adds a binary and its modules. A module that several binaries have stands there once.
func describe(document *spdx.Document, binary *spdx.Package, modules []*spdx.Package) {
	known := map[common.ElementID]bool{}
	for _, one := range document.Packages {
		known[one.PackageSPDXIdentifier] = true
	}
	document.Packages = append(document.Packages, binary)
	document.Relationships = append(document.Relationships, relation("DOCUMENT", "DESCRIBES", binary.PackageSPDXIdentifier))
	for _, module := range modules {
		if !known[module.PackageSPDXIdentifier] {
			document.Packages = append(document.Packages, module)
		}
		document.Relationships = append(document.Relationships,
			relation(binary.PackageSPDXIdentifier, "DEPENDS_ON", module.PackageSPDXIdentifier))
	}
}

// modulesOf are the modules of a binary, Go's standard library first.
func modulesOf(info *debug.BuildInfo) []*spdx.Package {
	modules := []*spdx.Package{modulePackage("stdlib", strings.TrimPrefix(info.GoVersion, "go"), "https://go.dev/dl/")}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		modules = append(modules, modulePackage(module.Path, module.Version, "https://proxy.golang.org/"+module.Path))
	}
	return modules
}

var notInIdentifier = regexp.MustCompile(`[^A-Za-z0-9.-]`)

func modulePackage(name, version, location string) *spdx.Package {
	return &spdx.Package{
		PackageName:             name,
		PackageSPDXIdentifier:   common.ElementID("Package-" + notInIdentifier.ReplaceAllString(name+"-"+version, "-")),
		PackageVersion:          version,
		PackageDownloadLocation: location,
		PackageLicenseConcluded: noAssertion,
		PackageLicenseDeclared:  noAssertion,
		PackageCopyrightText:    noAssertion,
		PackageExternalReferences: []*spdx.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL,
			Locator: fmt.Sprintf("pkg:golang/%s@%s", name, version),
		}},
	}
}

func relation(from common.ElementID, kind string, to common.ElementID) *spdx.Relationship {
	return &spdx.Relationship{
		RefA: common.MakeDocElementID("", string(from)), Relationship: kind, RefB: common.MakeDocElementID("", string(to)),
	}
}
