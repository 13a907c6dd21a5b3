#!/usr/bin/env bash
# Writes the version given as $1, such as v1.2.3, into config/version: the tag of the image, and the label; and into the pages
# that name files of a release.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-}
if [[ ! $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
	echo "set-version: \"$version\" is not a version, such as v1.2.3: make set-version VERSION=v1.2.3" >&2
	exit 2
fi
sed -i -E "s|^(  newTag: ).*|\1$version|; s|^(    app.kubernetes.io/version: ).*|\1$version|" config/version/kustomization.yaml
sed -i -E "s#(\?ref=|/releases/download/|/kubectl-aliascheck-|githubusercontent\.com/aliascheck/aliascheck/)v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)[.0-9]*)?#\1$version#g" README.md docs/*.md config/components/README.md
echo "config/version and the pages have $version"
