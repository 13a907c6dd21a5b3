#!/usr/bin/env bash
# Builds the helm that hack/helm pins into bin/helm. The first time takes a minute or two of CPU, the next ones none.
set -euo pipefail
cd "$(dirname "$0")/helm"

[[ -x ../../bin/helm ]] || echo "building helm, once"
started=$SECONDS
CGO_ENABLED=0 go build -v -trimpath -o ../../bin/helm helm.sh/helm/v4/cmd/helm 2>&1 | awk -v name=helm -f ../progress.awk
((SECONDS - started < 10)) || echo "built helm in $((SECONDS - started)) s"
