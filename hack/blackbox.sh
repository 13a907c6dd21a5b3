#!/usr/bin/env bash
# Builds the blackbox_exporter that hack/blackbox pins into bin/blackbox_exporter, for `make bench` to measure beside the manager. The
# first time takes a minute or two, the next ones none.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -x bin/blackbox_exporter ]] || echo "building blackbox_exporter, once: a minute or two on two cores"
go build -modfile=hack/blackbox/go.mod -o bin/blackbox_exporter github.com/prometheus/blackbox_exporter
