#!/usr/bin/env bash
# Builds the control plane of the tests and the demo from its Go modules, into bin/controlplane.
# A binary that is there in the pinned version is left alone, and one that $KUBEBUILDER_ASSETS has is not built.
# Arguments are the binaries to build; none means all of them.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/bin/controlplane
module=$root/hack/controlplane

version_of() { (cd "$module" && go list -m -f '{{.Version}}' "$1"); }

# Go's -v names each package that it compiles; we count them, and let all else (the errors) through.
progress() {
	awk -v name="$1" '
		/^[a-z0-9.]+(\/[A-Za-z0-9._~-]+)*$/ { n++; if (n % 100 == 0) { printf "  %s: %d packages compiled\n", name, n; fflush() } next }
		{ print; fflush() }'
}

build() {
	local name=$1 package=$2 version=$3
	if [[ ! $wanted =~ " $name " ]]; then
		return
	fi
	if [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$name ]]; then
		return
	fi
	if [[ -x $out/$name && $(cat "$out/$name.version" 2>/dev/null) == "$version" ]]; then
		return
	fi
	local stamp="-X k8s.io/component-base/version.gitVersion=$version"
	local started=$SECONDS
	echo "building $name $version"
	(cd "$module" && CGO_ENABLED=0 go build -v -trimpath -ldflags "-s -w $stamp" -o "$out/$name" "$package") 2>&1 | progress "$name"
	echo "$version" >"$out/$name.version"
	echo "  $name is ready after $((SECONDS - started)) s"
}

mkdir -p "$out"
wanted=" ${*:-etcd kube-apiserver kubectl kube-controller-manager} "
kubernetes=$(version_of k8s.io/kubernetes)
build etcd go.etcd.io/etcd/server/v3 "$(version_of go.etcd.io/etcd/server/v3)"
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$kubernetes"
build kubectl k8s.io/kubernetes/cmd/kubectl "$kubernetes"
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager "$kubernetes"
