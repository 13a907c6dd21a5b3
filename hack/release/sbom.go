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

// writeSBOM writes an SPDX document of the binary in an image, beside the image's archive: the modules that the linker
// has put into it, as the binary itself says.
func writeSBOM(s source, o imageOptions, p platform, binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	document := sbomOf(s, o, p, info, hex.EncodeToString(sum[:]))
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

func sbomOf(s source, o imageOptions, p platform, info *debug.BuildInfo, sum string) *spdx.Document {
	name := fmt.Sprintf("%s-%s-%s-%s", path.Base(o.name), o.version, p.os, p.arch)
	binary := &spdx.Package{
		PackageName:             info.Main.Path,
		PackageSPDXIdentifier:   "Package-binary",
		PackageVersion:          o.version,
		PackageDownloadLocation: "https://github.com/aliascheck/aliascheck/releases/tag/" + o.version,
		PackageLicenseConcluded: "Apache-2.0",
		PackageLicenseDeclared:  "Apache-2.0",
		PackageCopyrightText:    noAssertion,
		PrimaryPackagePurpose:   "APPLICATION",
		PackageChecksums:        []common.Checksum{{Algorithm: common.SHA256, Value: sum}},
	}
	document := &spdx.Document{
		SPDXVersion:       spdx.Version,
		DataLicense:       spdx.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      name,
		DocumentNamespace: "https://github.com/aliascheck/aliascheck/spdx/" + name + "-" + sum[:16],
		CreationInfo: &spdx.CreationInfo{
			Created:  s.time.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "aliascheck-release"}},
		},
		Packages:      []*spdx.Package{binary},
		Relationships: []*spdx.Relationship{relation("DOCUMENT", "DESCRIBES", binary.PackageSPDXIdentifier)},
	}
	for _, module := range modulesOf(info) {
		document.Packages = append(document.Packages, module)
		document.Relationships = append(document.Relationships,
			relation(binary.PackageSPDXIdentifier, "DEPENDS_ON", module.PackageSPDXIdentifier))
	}
	return document
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
