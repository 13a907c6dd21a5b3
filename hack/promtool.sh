#!/usr/bin/env bash
# Builds what tries config/monitoring, promtool, amtool and prometheus in the versions that hack/promtool pins, into bin. The first time
# takes minutes of CPU, the next ones none.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -x bin/promtool && -x bin/amtool && -x bin/prometheus ]] || echo "building promtool, amtool and prometheus, once: some minutes on two cores"
started=$SECONDS
mkdir -p bin
# Most of service discovery, and of what it takes to build, is left out.
go build -modfile=hack/promtool/go.mod -tags=remove_all_sd,enable_kubernetes_sd -o bin/ \
	github.com/prometheus/prometheus/cmd/promtool github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/alertmanager/cmd/amtool
((SECONDS - started < 10)) || echo "built them in $((SECONDS - started)) s"
