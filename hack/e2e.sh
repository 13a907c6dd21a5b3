#!/usr/bin/env bash
# A real single-node cluster on this machine: kubelet, containerd, kube-proxy and the control plane, all under one folder, with
# nothing of an existing kubelet or containerd touched.
#
#	hack/e2e.sh preflight   says what is missing, and how to get it
#	hack/e2e.sh ready       succeeds if this machine can, and all is built; says what is missing
#	hack/e2e.sh build       builds kubelet, kube-scheduler and kube-proxy from their Go modules, and the images
#	hack/e2e.sh up          starts the cluster, and installs dist/install.yaml
#	hack/e2e.sh down        ends all of it, and fails if anything is left
#	hack/e2e.sh test        up, the scenarios of test/realnode, down; also after Ctrl-C
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
dir=${E2E_DIR:-$root/bin/e2e}
images=$root/bin/e2e-images
bridge=acbr0 pods=10.88.0 services=10.96.0.0/16 node=n1
etcd_port=23790 api_port=16443 cgroup=/aliascheck-e2e
image=$(sed -n 's/^  newName: //p' config/version/kustomization.yaml):$(sed -n 's/^  newTag: //p' config/version/kustomization.yaml)

# binary is the path of one program of Kubernetes.
binary() {
	local place
	for place in "${KUBEBUILDER_ASSETS:-}" "$root/bin/controlplane"; do
		if [[ -n $place && -x $place/$1 ]]; then
			realpath "$place/$1"
			return
		fi
	done
	return 1
}

missing() {
	local packages=() command
	[[ $(uname -s) == Linux ]] || echo "it needs Linux"
	((EUID == 0)) || echo "it needs root: kubelet and containerd mount file systems and make network links"
	for command in containerd:containerd runc:runc nft:nftables conntrack:conntrack ip:iproute2 openssl:openssl; do
		command -v "${command%:*}" >/dev/null || packages+=("${command#*:}")
	done
	[[ -x /usr/lib/cni/bridge ]] || packages+=(containernetworking-plugins)
	if ((${#packages[@]} > 0)); then
		echo "programs are missing: apt-get install --no-install-recommends ${packages[*]}"
	fi
	! ip link show "$bridge" >/dev/null 2>&1 || echo "there is a link $bridge already: hack/e2e.sh down"
	! { pgrep -x kubelet || pgrep -x kube-proxy; } >/dev/null || echo "a kubelet or kube-proxy runs here already, and is left alone"
	! nft list tables 2>/dev/null | grep -q 'kube-proxy' || echo "there are rules of a kube-proxy already, and they are left alone"
	grep -qw overlay /proc/filesystems || echo "the kernel has no overlay file system"
	return 0
}

unbuilt() {
	local name
	for name in kubelet kube-scheduler kube-proxy; do
		binary "$name" >/dev/null || echo "$name"
	done
	for name in manager web pause coredns; do
		[[ -f $images/$name.tar ]] || echo "the image of $name"
	done
}

preflight() {
	local problems
	problems=$(missing)
	if [[ -n $problems ]]; then
		echo "This machine cannot run a real node:"
		sed 's/^/  /' <<<"$problems"
		return 1
	fi
	echo "this machine can run a real node"
}

ready() {
	preflight || return 1
	local names
	names=$(unbuilt)
	if [[ -n $names ]]; then
		echo "not built yet: ${names//$'\n'/, }; hack/e2e.sh build takes minutes"
		return 1
	fi
}

build() {
	hack/controlplane.sh etcd kube-apiserver kubectl kube-controller-manager kube-scheduler kube-proxy kubelet
	mkdir -p bin "$images"
	(cd hack/release && go build -o ../../bin/release .)
	local platform=linux/$(go env GOARCH)
	bin/release image -name "${image%:*}" -version "${image##*:}" -platforms "$platform" -out "$images/manager.tar"
	for name in web pause; do
		bin/release image -name "localhost/$name" -version 1 -package "./test/realnode/$name" -platforms "$platform" \
			-out "$images/$name.tar"
	done
	bin/release image -source hack/coredns -name localhost/coredns -version 1 -package . -platforms "$platform" \
		-out "$images/coredns.tar"
}

# run starts a program in the background, in a session of its own, and notes its process id.
run() {
	local name=$1
	shift
	setsid "$@" >"$dir/logs/$name" 2>&1 &
	echo "$! $name" >>"$dir/pids"
}

k() { "$(binary kubectl)" --kubeconfig "$dir/admin.kubeconfig" "$@"; }

# await asks until the answer is yes, or says what it has waited for.
await() {
	local what=$1 limit=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS > limit)); then
			echo "e2e: waited in vain for $what; logs are in $dir/logs" >&2
			return 1
		fi
		sleep 0.2
	done
}

certificate() {
	local name=$1 subject=$2
	openssl req -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.csr" -subj "$subject" 2>/dev/null
	printf 'subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1,IP:%s.1' "$pods" >san
	openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$name.crt" -days 2 -extfile san 2>/dev/null
}

kubeconfig() {
	local kc
	kc="$(binary kubectl) --kubeconfig $dir/$1.kubeconfig config"
	$kc set-cluster it --server "https://127.0.0.1:$api_port" --certificate-authority ca.crt --embed-certs >/dev/null
	$kc set-credentials it --client-certificate "$1.crt" --client-key "$1.key" --embed-certs >/dev/null
	$kc set-context it --cluster it --user it >/dev/null
	$kc use-context it >/dev/null
}

pki() {
	openssl genrsa -out sa.key 2048 2>/dev/null
	openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2>/dev/null
	certificate api /CN=kube-apiserver
	local user
	for user in admin:/O=system:masters/CN=admin node:/O=system:nodes/CN=system:node:$node \
		controllers:/CN=system:kube-controller-manager scheduler:/CN=system:kube-scheduler proxy:/CN=system:kube-proxy; do
		certificate "${user%%:*}" "${user#*:}"
		kubeconfig "${user%%:*}"
	done
}

control_plane() {
	run etcd "$(binary etcd)" --data-dir etcd --unsafe-no-fsync --listen-client-urls "http://127.0.0.1:$etcd_port" \
		--advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls http://127.0.0.1:23800
	# Pods reach the API server at the address of the bridge. That is not there yet, so it listens on all; and the endpoints of
	# the Service kubernetes are written by hand, for it would advertise an address that pods cannot reach.
	run kube-apiserver "$(binary kube-apiserver)" --etcd-servers "http://127.0.0.1:$etcd_port" --secure-port "$api_port" \
		--advertise-address "$pods.1" --tls-cert-file api.crt --tls-private-key-file api.key --client-ca-file ca.crt \
		--service-account-key-file sa.pub --service-account-signing-key-file sa.key \
		--service-account-issuer https://kubernetes.default.svc --authorization-mode Node,RBAC \
		--service-cluster-ip-range "$services" --allow-privileged --endpoint-reconciler-type none \
		--kubelet-client-certificate admin.crt --kubelet-client-key admin.key --kubelet-preferred-address-types InternalIP
	await "the API server" 90 k get --raw /readyz
	run kube-controller-manager "$(binary kube-controller-manager)" --kubeconfig controllers.kubeconfig --leader-elect=false \
		--service-account-private-key-file sa.key --root-ca-file ca.crt --use-service-account-credentials --secure-port 0
	run kube-scheduler "$(binary kube-scheduler)" --kubeconfig scheduler.kubeconfig --leader-elect=false --secure-port 0
}

runtime() {
	mkdir -p cni
	cat >containerd.toml <<-E
		version = 2
		root = "$dir/containerd"
		state = "$dir/containerd-state"
		[grpc]
		  address = "$dir/containerd.sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:1"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$dir/cni"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "overlayfs"
	E
	# Without the default route ClusterIPs cannot be reached from pods.
	cat >cni/10-pods.conflist <<-E
		{"cniVersion": "0.4.0", "name": "pods", "plugins": [
		  {"type": "bridge", "bridge": "$bridge", "isGateway": true, "ipMasq": false, "hairpinMode": true,
		   "ipam": {"type": "host-local", "dataDir": "$dir/cni-addresses",
		            "ranges": [[{"subnet": "$pods.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
		  {"type": "loopback"}]}
	E
	run containerd containerd -c containerd.toml
	await containerd 30 ctr -a "$dir/containerd.sock" version
	local archive
	for archive in "$images"/*.tar; do
		ctr -a "$dir/containerd.sock" -n k8s.io images import "$archive" >/dev/null
	done
}

# own_cgroup makes the cgroup that all pods are in, in each hierarchy, so that they can be distinguished from those of others.
own_cgroup() {
	local hierarchy
	for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
		if [[ -f $hierarchy/cgroup.procs ]]; then
			mkdir -p "$hierarchy$cgroup"
		fi
	done
	# A new group of cpuset has no CPU and no memory, in version 1.
	local file
	for file in cpuset.cpus cpuset.mems; do
		[[ ! -f /sys/fs/cgroup/cpuset/$file ]] || cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset$cgroup/$file"
	done
}

start_node() {
	own_cgroup
	cat >kubelet.yaml <<-E
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		failSwapOn: false
		failCgroupV1: false
		cgroupDriver: cgroupfs
		cgroupRoot: $cgroup
		containerRuntimeEndpoint: unix://$dir/containerd.sock
		authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $dir/ca.crt}}
		authorization: {mode: Webhook}
		enforceNodeAllocatable: []
		clusterDNS: [10.96.0.10]
		clusterDomain: cluster.local
		imageGCHighThresholdPercent: 99
		imageGCLowThresholdPercent: 98
		evictionHard: {memory.available: 50Mi}
		podLogsDir: $dir/pod-logs
		volumePluginDir: $dir/volume-plugins
	E
	run kubelet "$(binary kubelet)" --kubeconfig node.kubeconfig --config kubelet.yaml --hostname-override "$node" \
		--root-dir "$dir/kubelet" --cert-dir "$dir/kubelet-pki"
	run kube-proxy "$(binary kube-proxy)" --kubeconfig admin.kubeconfig --proxy-mode nftables --cluster-cidr "$pods.0/24" \
		--hostname-override "$node" --conntrack-max-per-core 0 \
		--healthz-bind-address 127.0.0.1:20256 --metrics-bind-address 127.0.0.1:20249
	await kube-proxy 60 nft list table ip kube-proxy
	await "a ready node" 120 k wait --for=condition=Ready "node/$node" --timeout=1s
	k apply -f - >/dev/null <<-E
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
		addressType: IPv4
		ports: [{name: https, port: $api_port, protocol: TCP}]
		endpoints: [{addresses: [$pods.1], conditions: {ready: true}}]
	E
}

up() {
	ready
	rm -rf "$dir"
	mkdir -p "$dir/logs"
	cp /proc/sys/net/ipv4/ip_forward "$dir/ip_forward"
	ip netns list | awk '{ print $1 }' | sort >"$dir/netns"
	cd "$dir"
	pki
	control_plane
	runtime
	start_node
	cd "$root"
	k apply -f test/realnode/testdata/dns.yaml >/dev/null
	echo "the node is ready after $SECONDS s; installing dist/install.yaml"
	k apply -f dist/install.yaml >/dev/null
	await "the manager" 180 k -n aliascheck-system rollout status deployment/aliascheck-controller-manager --timeout=1s
	echo "the manager is ready after $SECONDS s: export KUBECONFIG=$dir/admin.kubeconfig"
}

# end asks the processes that up has started to end, and makes them.
end() {
	local pid name
	while read -r pid name; do
		[[ $(ps -o comm= -p "$pid" 2>/dev/null) == "${name:0:15}" ]] || continue
		kill "$pid" 2>/dev/null || true
		for _ in $(seq 50); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null || true
	done < <(tac "$dir/pids" 2>/dev/null)
}

# containers ends the containers that are left, and the shims that hold them; they are recognised by the folder in their arguments.
containers() {
	local pid
	for pid in $(pgrep -f -- "-address $dir/containerd.sock" || true); do
		pkill -KILL -P "$pid" 2>/dev/null || true
		kill -KILL "$pid" 2>/dev/null || true
	done
}

unmount() {
	local mount
	while read -r mount; do
		umount -l "$mount" 2>/dev/null || true
	done < <(awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts | sort -r)
}

network() {
	local namespace
	for namespace in $(ip netns list | awk '/^cni-/ { print $1 }' | sort | comm -13 "$dir/netns" - 2>/dev/null); do
		ip netns delete "$namespace" 2>/dev/null || true
	done
	ip link delete "$bridge" 2>/dev/null || true
	nft delete table ip kube-proxy 2>/dev/null || true
	nft delete table ip6 kube-proxy 2>/dev/null || true
	[[ ! -f $dir/ip_forward ]] || cat "$dir/ip_forward" >/proc/sys/net/ipv4/ip_forward
}

leftovers() {
	pgrep -fa -- "$dir/" | grep -v "e2e.sh" | sed 's/^/process: /' || true
	awk -v dir="$dir/" 'index($2, dir) == 1 { print "mount: " $2 }' /proc/self/mounts
	ip -o link show 2>/dev/null | awk -v bridge="$bridge" '$0 ~ bridge { print "link: " $2 }'
	nft list tables 2>/dev/null | grep kube-proxy | sed 's/^/nft: /' || true
	find /sys/fs/cgroup -maxdepth 2 -type d -name "${cgroup#/}" 2>/dev/null | sed 's/^/cgroup: /'
	return 0
}

cgroups() {
	find /sys/fs/cgroup -path "*$cgroup*" -depth -type d -exec rmdir {} \; 2>/dev/null || true
}

down() {
	[[ -d $dir ]] || { echo "nothing is up"; return 0; }
	# Pods first, while kubelet and containerd can still end them.
	[[ ! -f $dir/admin.kubeconfig ]] || k delete pods --all --all-namespaces --grace-period=1 --timeout=30s >/dev/null 2>&1 || true
	end
	containers
	unmount
	network
	cgroups
	local left
	left=$(leftovers)
	if [[ -n $left ]]; then
		printf 'e2e: this is left:\n%s\n' "$left" >&2
		return 1
	fi
	rm -rf "$dir"
	echo "all is gone"
}

# keep_logs is for a test that failed: down takes everything else away.
keep_logs() {
	if (($1 != 0)) && [[ -d $dir/logs ]]; then
		rm -rf "$root/bin/e2e-logs"
		cp -r "$dir/logs" "$root/bin/e2e-logs"
		echo "the logs are in bin/e2e-logs"
	fi
}

scenarios() {
	trap 'keep_logs $?; down' EXIT
	trap 'exit 130' INT TERM
	up
	KUBECONFIG=$dir/admin.kubeconfig KUBECTL=$(binary kubectl) go test -tags realnode -count=1 -v -timeout 15m ./test/realnode
}

case ${1:-} in
preflight | ready | build | up | down) "$1" ;;
test) scenarios ;;
*) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
