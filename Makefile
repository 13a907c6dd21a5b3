# Everything runs from a fresh clone with Go, make, git and gcc. `make` alone lists the targets.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

MODULE := github.com/aliascheck/aliascheck
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
IMAGE := ghcr.io/aliascheck/aliascheck
# The platforms of `make image`.
PLATFORMS ?= linux/amd64,linux/arm64

# The tools are pinned in a go.mod of their own, so that the product's has only what the product needs.
TOOL := go tool -modfile=hack/tools/go.mod
CONTROLLER_GEN := $(TOOL) controller-gen
GOLANGCI_LINT := $(TOOL) golangci-lint

##@ Everyday

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Watch aliases follow their targets, on a control plane of its own. DEMO_FOR=30s ends by itself.
	@hack/controlplane.sh etcd kube-apiserver
	@VERSION=$(VERSION) hack/build.sh ./cmd/manager ./hack/demo
	@exec env DEMO_FOR="$(DEMO_FOR)" bin/demo

.PHONY: test
test: controlplane ## Run all tests with the race detector. PACKAGES=./internal/... runs some.
	@hack/test.sh $(PACKAGES)

.PHONY: test-fast
test-fast: ## Run the tests that need no control plane, with the race detector: less than a minute, warm.
	@hack/test.sh $$(go list -f '{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... | \
		awk '!/internal\/controlplane|test\/blackbox/ { print $$1 }')

.PHONY: test-monitoring
test-monitoring: controlplane ## Try alerts, dashboard and route with promtool, prometheus and amtool, which take minutes to build once.
	@hack/promtool.sh
	@TAGS=promtool hack/test.sh ./test/monitoring

.PHONY: test-ui
test-ui: controlplane ## Try the page of kubectl aliascheck ui in Chromium, which has to be installed.
	@hack/browser.sh ready
	@hack/browser.sh
	@TAGS=ui hack/test.sh -run InABrowser ./test/plugin

.PHONY: picture
picture: controlplane ## Take the pictures of the documentation again, docs/images: a film of the demo, and the page in Chromium.
	@DEMO_FILM=docs/images/demo.svg $(MAKE) run DEMO_FOR=22s
	@hack/browser.sh ready
	@hack/browser.sh
	@SCREENSHOTS=docs/images go test -count=1 -tags ui -run Readable ./test/plugin

.PHONY: test-chart
test-chart: controlplane ## Try the chart with helm, also on a cluster, and a release of a small product; helm takes a minute or two to build once.
	@hack/helm.sh
	@cd hack/release && go test -count=1 -tags helm -run 'Chart|Release' .
	@TAGS=helm hack/test.sh -run Chart ./test/install

.PHONY: test-compat
test-compat: ## Run the tests that an older Kubernetes may fail on one, built from its modules: KUBERNETES=v1.34.4.
	@hack/compat.sh "$(KUBERNETES)"

.PHONY: e2e
e2e: ## Install on a real node (kubelet, containerd, kube-proxy) and try it under traffic. Needs root on Linux.
	@hack/e2e.sh preflight
	@hack/e2e.sh build
	@hack/e2e.sh test
	@hack/e2e.sh interrupted

.PHONY: e2e-up
e2e-up: ## Start that node and keep it; `make e2e-down` ends it.
	@hack/e2e.sh preflight
	@hack/e2e.sh build
	@hack/e2e.sh up

.PHONY: e2e-down
e2e-down: ## End what `make e2e-up` has started, and fail if anything is left.
	@hack/e2e.sh down

.PHONY: soak
soak: controlplane ## Break everything for long. SOAK_FOR=1h is the random workload's, AC_SEED=1 repeats it, RUN=Oracle runs some.
	@hack/soak.sh "$(SOAK_FOR)" "$(RUN)"

.PHONY: bench
bench: build controlplane ## Measure the manager against its baselines, into bin/bench.json. BENCH="-run idle -scale full" says what.
	@hack/blackbox.sh
	@go build -o bin/bench ./hack/bench
	@exec bin/bench $(BENCH)

.PHONY: verify
verify: generate fmt-check vet lint ## Generate, then check format, vet, lint, and that nothing differs from HEAD.
	@hack/clean_tree.sh

##@ Build

.PHONY: build
build: ## Build the manager, static, into bin/manager.
	@VERSION=$(VERSION) hack/build.sh ./cmd/manager

.PHONY: plugin
plugin: ## Build the kubectl plugin into bin/kubectl-aliascheck.
	@VERSION=$(VERSION) hack/build.sh ./cmd/kubectl-aliascheck

.PHONY: controlplane
controlplane: ## Build etcd, kube-apiserver, kube-controller-manager and kubectl into bin/controlplane, once.
	@hack/controlplane.sh

.PHONY: build-installer
build-installer: bin/release ## Write dist/install.yaml. IMG=registry/name:tag names another image.
	@mkdir -p dist
	@bin/release render -out dist/install.yaml -image "$(IMG)" config/default

.PHONY: chart
chart: bin/release ## Write the Helm chart, charts/aliascheck, from the kustomizations.
	@bin/release chart -out charts/aliascheck

.PHONY: release
release: bin/release ## Write all that the page of a release has, for VERSION=v1.2.3, into dist/v1.2.3.
	@hack/release.sh "$(VERSION)"

.PHONY: set-version
set-version: ## Write the version of the next release, VERSION=v1.2.3, into the kustomization.
	@hack/set_version.sh "$(VERSION)"
	@$(MAKE) build-installer chart

.PHONY: image
image: bin/release ## Build the image of $(VERSION) without docker, an OCI archive, and what is inside it (SPDX), into bin/image.
	@mkdir -p bin/image
	@bin/release image -version "$(VERSION)" -platforms "$(PLATFORMS)" -out bin/image/aliascheck.tar

.PHONY: docker-build
docker-build: ## Build the container image with docker. IMG=registry/name:tag names it.
	@GOOS=linux OUT=bin/docker VERSION=$(VERSION) hack/build.sh ./cmd/manager ./cmd/kubectl-aliascheck
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) \
		-t $(or $(IMG),$(IMAGE):$(VERSION)) .

.PHONY: bin/release
bin/release:
	@mkdir -p bin
	@cd hack/release && go build -o ../../bin/release .

.PHONY: clean
clean: ## Remove what was built, the control plane too.
	rm -rf bin

##@ Source

.PHONY: generate
generate: manifests build-installer chart kinds-page ## Write all generated files: deepcopy, CRDs, RBAC, PrometheusRule, dist/install.yaml, chart, docs/kinds.md.

.PHONY: kinds-page
kinds-page: ## Write docs/kinds.md from the built-in rules.
	@go run ./hack/kindsdoc docs/kinds.md

.PHONY: manifests
manifests: ## Write deepcopy functions, CRDs and RBAC from the markers, and the PrometheusRule from the alerts.
	$(CONTROLLER_GEN) object crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:dir=config/rbac
	$(CONTROLLER_GEN) rbac:roleName=job-probes-role paths=./internal/jobs output:rbac:dir=config/rbac/jobs
	@hack/prometheusrule.sh

.PHONY: fmt
fmt: ## Format the source.
	$(GOLANGCI_LINT) fmt

.PHONY: fmt-check
fmt-check:
	$(GOLANGCI_LINT) fmt --diff

.PHONY: vet
vet: ## Run go vet.
	go vet -tags helm,promtool,realnode,ui,soak ./...
	cd hack/release && go vet -tags helm ./...

.PHONY: lint
lint: ## Run golangci-lint.
	$(GOLANGCI_LINT) run
	cd hack/release && go tool -modfile=../tools/go.mod golangci-lint run --config ../../.golangci.yml
	cd hack/release && go tool actionlint ../../.github/workflows/*.yml
