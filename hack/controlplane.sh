#!/usr/bin/env bash
# Builds the control plane of the tests and the demo from its Go modules, into bin/controlplane.
# A binary that is there in the pinned version is left alone; one that $KUBEBUILDER_ASSETS has, or that setup-envtest has
# downloaded for the same minor version, is not built.
# Arguments are the binaries to build; none means all of them.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/bin/controlplane
module=$root/hack/controlplane

version_of() { (cd "$module" && go list -m -f '{{.Version}}' "$1"); }

# Kubernetes and etcd that setup-envtest has downloaded are the same programs: they are used where the minor version is ours.
adopt() {
	local name=$1 minor=$2 found
	for found in "${XDG_DATA_HOME:-$HOME/.local/share}"/kubebuilder-envtest/k8s/"${minor#v}".*-"$(go env GOOS)-$(go env GOARCH)"/"$name"; do
		if [[ -x $found && ! -x $out/$name ]]; then
			ln -sf "$found" "$out/$name"
			echo adopted >"$out/$name.version"
			echo "using $name of setup-envtest: $found"
		fi
	done
}

build() {
	local name=$1 package=$2 version=$3
	if [[ ! $wanted =~ " $name " ]]; then
		return
	fi
	if [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$name ]]; then
		return
	fi
	adopt "$name" "${kubernetes%.*}"
	if [[ -x $out/$name && $(cat "$out/$name.version" 2>/dev/null) =~ ^($version|adopted)$ ]]; then
		return
	fi
	local stamp="-X k8s.io/component-base/version.gitVersion=$version"
	local started=$SECONDS
	echo "building $name $version"
	(cd "$module" && CGO_ENABLED=0 go build -v -trimpath -ldflags "-s -w $stamp" -o "$out/$name" "$package") 2>&1 |
		awk -v name="$name" -f "$root/hack/progress.awk"
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
# Those of a real node, for hack/e2e.sh, are built when they are asked for.
build kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler "$kubernetes"
build kube-proxy k8s.io/kubernetes/cmd/kube-proxy "$kubernetes"
build kubelet k8s.io/kubernetes/cmd/kubelet "$kubernetes"
