#!/usr/bin/env bash
# Builds the promtool that hack/promtool pins into bin/promtool. The first time takes minutes of CPU, the next ones none.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -x bin/promtool ]] || echo "building promtool, once: some minutes on two cores"
started=$SECONDS
# Most of service discovery, and of what it takes to build, is left out.
go build -modfile=hack/promtool/go.mod -tags=remove_all_sd,enable_kubernetes_sd -o bin/promtool \
	github.com/prometheus/prometheus/cmd/promtool
((SECONDS - started < 10)) || echo "built promtool in $((SECONDS - started)) s"
