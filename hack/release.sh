#!/usr/bin/env bash
# Writes all that the page of a release has, for the version given as $1, into dist/$1. What is rendered there (install.yaml and
# crds.yaml) is committed, so that an upgrade can be tried from every version; the rest is for the page alone.
# RELEASE_PLATFORMS=linux/amd64 builds the image and the plugin for some platforms only, to try this out.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-}
fail() { echo "release: $*" >&2; exit 2; }
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "\"$version\" is not a version: make release VERSION=v1.2.3"
grep -q "newTag: $version\$" config/version/kustomization.yaml || fail "config/version has another version: make set-version VERSION=$version"
grep -q "^## $version\b" CHANGELOG.md || fail "CHANGELOG.md has no section $version"

out=dist/$version
rm -rf "$out"
mkdir -p "$out"
hack/helm.sh

bin/release render -out "$out/install.yaml" config/default
bin/release render -out "$out/crds.yaml" config/crd
platforms=(${RELEASE_PLATFORMS:+-platforms "$RELEASE_PLATFORMS"})
bin/release image -version "$version" "${platforms[@]}" -out "$out/aliascheck-$version-image.tar"
bin/release plugins -version "$version" "${platforms[@]}" -out "$out"
bin/release chart -out charts/aliascheck
bin/helm package charts/aliascheck --destination "$out" >/dev/null

# The kustomizations, for those who build on them without git.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --exclude='.*' -cf - config |
	gzip -n >"$out/aliascheck-$version-config.tar.gz"

# The section of this version, without its heading.
awk -v heading="## $version" 'index($0, "## ") == 1 { on = index($0, heading) == 1; next } on' CHANGELOG.md >"$out/notes.md"
(cd "$out" && sha256sum -- * >SHA256SUMS)
bin/release check -version "$version" "$out"
echo "wrote $out:"
ls -l "$out"
