#!/usr/bin/env bash
# Runs the tests that an older Kubernetes may fail (admission, what users meet, conformance, the installation) on one, built
# from its Go modules into bin/compat: hack/compat.sh v1.34.4. The first time takes as long as building the control plane does.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-}
[[ $version =~ ^v1\.[0-9]+\.[0-9]+$ ]] || { echo "compat: \"$version\" is no version: make test-compat KUBERNETES=v1.34.4" >&2; exit 2; }
hack/controlplane.sh etcd kubectl

out=$PWD/bin/compat/$version
mkdir -p "$out/module"
if [[ ! -x $out/kube-controller-manager ]]; then
	modfile=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
	# The staging modules are folders of that repository, which the module proxy does not serve: their releases take their place.
	{
		printf 'module compat\n\ntool k8s.io/kubernetes/cmd/kube-apiserver\ntool k8s.io/kubernetes/cmd/kube-controller-manager\n'
		printf 'require k8s.io/kubernetes %s\n' "$version"
		grep '^go ' "$modfile"
		sed -nE "s|^\s*(k8s.io/[a-z-]+) => ./staging/src/.*|replace \1 => \1 v0.${version#v1.}|p" "$modfile"
	} >"$out/module/go.mod"
	(cd "$out/module" && go mod tidy 2>/dev/null)
	for name in kube-apiserver kube-controller-manager; do
		echo "building $name $version"
		(cd "$out/module" && CGO_ENABLED=0 go build -v -trimpath -o "$out/$name" \
			-ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" "k8s.io/kubernetes/cmd/$name") 2>&1 |
			awk -v name="$name" -f hack/progress.awk
	done
fi
for name in etcd kubectl; do
	for place in "${KUBEBUILDER_ASSETS:-}" bin/controlplane; do
		[[ ! -x $place/$name ]] || { ln -sf "$(realpath "$place/$name")" "$out/$name" && break; }
	done
done
KUBEBUILDER_ASSETS=$out hack/test.sh ./test/e2e ./test/conformance ./test/install
