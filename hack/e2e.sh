#!/usr/bin/env bash
# A real single-node cluster on this machine: kubelet, containerd, kube-proxy and the control plane, all under one folder, with
# nothing of an existing kubelet or containerd touched. Where kubelet and containerd write elsewhere by themselves, below /run,
# /var/lib and /var/log, they have a view of their own, which ends with them.
#
#	hack/e2e.sh preflight   says what is missing, and how to get it
#	hack/e2e.sh ready       succeeds if this machine can, and all is built; says what is missing
#	hack/e2e.sh build       builds kubelet, kube-scheduler and kube-proxy from their Go modules, and the images; that of the
#	                        last release too, where git has its tag
#	hack/e2e.sh up          starts the cluster, and installs dist/install.yaml
#	hack/e2e.sh down        ends all of it, and fails if anything is left
#	hack/e2e.sh test        up, the scenarios of test/realnode, down; also after Ctrl-C
#	hack/e2e.sh interrupted presses Ctrl-C while the node starts and while the scenarios run; fails if anything is left
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
dir=${E2E_DIR:-$root/bin/e2e}
images=$root/bin/e2e-images
mark=ALIASCHECK_E2E=$dir
bridge=acbr0 pods=10.88.0 services=10.96.0.0/16 node=n1
etcd_port=23790 api_port=16443 cgroup=/aliascheck-e2e
version=$(sed -n 's/^  newTag: //p' config/version/kustomization.yaml)
image=$(sed -n 's/^  newName: //p' config/version/kustomization.yaml):$version
last_image=localhost/last-release:1
# The image of the README, which is not pulled: test/realnode/agnhost stands for it.
agnhost=$(sed -nE 's/.* --image=(.*\/agnhost:[^ ]+) .*/\1/p' README.md)

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
	[[ ! $dir/ =~ ^/(run|var/lib|var/log)/ ]] || echo "E2E_DIR must not be below /run, /var/lib or /var/log"
	return 0
}

unbuilt() {
	local name
	for name in kubelet kube-scheduler kube-proxy; do
		binary "$name" >/dev/null || echo "$name"
	done
	for name in manager web agnhost pause coredns; do
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
	for name in localhost/web:1 localhost/pause:1 "$agnhost"; do
		package=$(basename "${name%:*}")
		bin/release image -name "${name%:*}" -version "${name##*:}" -package "./test/realnode/$package" -platforms "$platform" \
			-out "$images/$package.tar"
	done
	bin/release image -source hack/coredns -name localhost/coredns -version 1 -package . -platforms "$platform" \
		-out "$images/coredns.tar"
	build_last
}

# build_last builds the manager of the last release from its source. Without it, its manifest is tried with the present manager.
build_last() {
	local last
	last=$(last_release)
	rm -rf "$images/last-release.tar" bin/e2e-last
	git rev-parse --quiet --verify "refs/tags/$last^{commit}" >/dev/null || return 0
	mkdir -p bin/e2e-last
	git archive "$last" | tar -x -C bin/e2e-last
	bin/release image -source bin/e2e-last -name "${last_image%:*}" -version "${last_image##*:}" -platforms "$platform" \
		-out "$images/last-release.tar"
	rm -rf bin/e2e-last
}

# last_release is the newest version up to the present one whose manifest is kept and is another one, or the newest that is kept.
last_release() {
	local name last="" kept
	for kept in $(printf '%s\n' dist/v*/install.yaml | sort --version-sort); do
		name=$(basename "$(dirname "$kept")")
		[[ $(printf '%s\n' "$name" "$version" | sort --version-sort | tail -n 1) == "$version" ]] || continue
		if [[ -z $last ]] || ! cmp --quiet "$kept" dist/install.yaml; then
			last=$name
		fi
	done
	echo "$last"
}

# run starts a program in the background, in a session of its own, and notes its process id. What it starts is known by the mark.
run() {
	local name=$1
	shift
	setsid env "$mark" "$@" >"$dir/logs/$name" 2>&1 &
	echo "$! $name" >>"$dir/pids"
}

pid_of() { awk -v name="$1" '$2 == name { print $1 }' "$dir/pids"; }

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

# own_view runs a program in a mount namespace of its own, which sees what the machine has below these folders, and writes
# elsewhere. The namespace ends with the last process that is in it, and all its mounts with it.
own_view() {
	local folder view=()
	for folder in /run /var/lib /var/log; do
		mkdir -p "$dir/view$folder" "$dir/view-work$folder"
		view+=("mount -t overlay overlay -o lowerdir=$folder,upperdir=$dir/view$folder,workdir=$dir/view-work$folder $folder;")
	done
	echo "${view[*]} exec \"\$@\""
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
	run containerd unshare --mount --propagation private bash -euc "$(own_view)" - containerd -c "$dir/containerd.toml"
	await containerd 30 ctr -a "$dir/containerd.sock" version
	local archive
	for archive in "$images"/*.tar; do
		ctr -a "$dir/containerd.sock" -n k8s.io images import "$archive" >/dev/null
	done
	[[ -f $images/last-release.tar ]] || ctr -a "$dir/containerd.sock" -n k8s.io images tag "$image" "$last_image" >/dev/null
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
		makeIPTablesUtilChains: false
		clusterDNS: [10.96.0.10]
		clusterDomain: cluster.local
		imageGCHighThresholdPercent: 99
		imageGCLowThresholdPercent: 98
		evictionHard: {memory.available: 50Mi}
		podLogsDir: $dir/pod-logs
		volumePluginDir: $dir/volume-plugins
	E
	run kubelet nsenter --mount="/proc/$(pid_of containerd)/ns/mnt" --wd="$dir" \
		"$(binary kubelet)" --kubeconfig node.kubeconfig --config kubelet.yaml --hostname-override "$node" --root-dir "$dir/kubelet" --cert-dir "$dir/kubelet-pki"
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
	rm -rf "$dir"
	mkdir -p "$dir/logs"
	kernel_settings >"$dir/settings"
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

# kernel_settings are those that kubelet, kube-proxy and the network plugins change, with their values.
kernel_settings() {
	local name
	for name in net/ipv4/ip_forward vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
		kernel/keys/root_maxkeys kernel/keys/root_maxbytes net/netfilter/nf_conntrack_max \
		net/netfilter/nf_conntrack_tcp_timeout_established net/netfilter/nf_conntrack_tcp_timeout_close_wait; do
		[[ ! -r /proc/sys/$name ]] || echo "$name $(cat "/proc/sys/$name")"
	done
}

# changed_settings are those that are no longer what they were, with what they were.
changed_settings() {
	local name value
	while read -r name value; do
		[[ $(cat "/proc/sys/$name") == "$value" ]] || echo "$name $value"
	done < <(cat "$dir/settings" 2>/dev/null)
}

restore_settings() {
	local name value
	while read -r name value; do
		echo "$value" >"/proc/sys/$name"
	done < <(changed_settings)
}

# processes are all that belong to the node: those that were started by run, what these have started, and those in pods.
processes() {
	{ grep -lzxF -- "$mark" /proc/[0-9]*/environ || true; grep -l -- "$cgroup" /proc/[0-9]*/cgroup || true; } 2>/dev/null |
		cut -d/ -f3 | sort -nu
}

# end asks the processes that up has started to end, the last one first, and then makes all that are left.
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
	for _ in $(seq 50); do
		[[ -n $(processes) ]] || break
		processes | xargs -r kill -KILL 2>/dev/null || true
		sleep 0.1
	done
}

network() {
	local veth
	for veth in $(ip -o link show master "$bridge" 2>/dev/null | awk -F '[:@ ]+' '{ print $2 }'); do
		ip link delete "$veth" 2>/dev/null || true
	done
	ip link delete "$bridge" 2>/dev/null || true
	nft delete table ip kube-proxy 2>/dev/null || true
	nft delete table ip6 kube-proxy 2>/dev/null || true
}

leftovers() {
	processes | xargs -r ps -o pid=,args= -p | sed 's/^/process: /' || true
	awk -v dir="$dir/" 'index($2, dir) == 1 { print "mount: " $2 }' /proc/self/mounts
	ip -o link show 2>/dev/null | awk -v bridge="$bridge" '$0 ~ bridge { print "link: " $2 }'
	nft list tables 2>/dev/null | grep kube-proxy | sed 's/^/nft: /' || true
	find /sys/fs/cgroup -maxdepth 2 -type d -name "${cgroup#/}" 2>/dev/null | sed 's/^/cgroup: /'
	changed_settings | sed 's/^/setting: /'
}

cgroups() {
	find /sys/fs/cgroup -path "*$cgroup*" -depth -type d -exec rmdir {} \; 2>/dev/null || true
}

down() {
	[[ -d $dir ]] || { echo "nothing is up"; return 0; }
	cd "$root"
	# Pods first, while kubelet and containerd can still end them.
	[[ ! -f $dir/admin.kubeconfig ]] || k delete pods --all --all-namespaces --grace-period=1 --timeout=30s >/dev/null 2>&1 || true
	end
	network
	cgroups
	restore_settings
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
		cp -r "$dir/pod-logs" "$root/bin/e2e-logs/pods" 2>/dev/null || true
		echo "the logs are in bin/e2e-logs"
	fi
}

# undo_at_exit takes the node down when this script ends; after Ctrl-C too. What is up already belongs to somebody else: it has
# to be ready before.
undo_at_exit() {
	trap 'status=$?; trap "" INT TERM HUP; keep_logs $status; down' EXIT
	trap 'exit 130' INT TERM HUP
}

# keep starts the node, and leaves it up.
keep() {
	ready
	undo_at_exit
	up
	trap - EXIT INT TERM HUP
}

interrupted() {
	ready
	interrupt_when "containerd runs" grep -qs containerd "$dir/pids"
	interrupt_when "the scenarios run" grep -q "=== RUN" "$dir.interrupted"
	rm -f "$dir.interrupted"
}

# interrupt_when presses Ctrl-C once something is so.
interrupt_when() {
	local what=$1 status=0 left
	shift
	rm -f "$dir.interrupted"
	# A process group of its own, as an interactive shell makes one, which takes Ctrl-C even where this script ignores it.
	set -m
	env --default-signal=INT hack/e2e.sh test >"$dir.interrupted" 2>&1 &
	set +m
	await "$what" 300 "$@" || true
	kill -INT -- "-$!"
	wait "$!" || status=$?
	left=$(leftovers)
	if ((status != 130)) || [[ -n $left || -e $dir ]]; then
		printf 'e2e: interrupted when %s, it ended with %s, and this is left:\n%s\n' "$what" "$status" "$left" >&2
		cat "$dir.interrupted" >&2
		return 1
	fi
	echo "interrupted when $what: all is gone"
}

scenarios() {
	ready
	undo_at_exit
	up
	local last
	last=$(last_release)
	sed -E "s|( image: ).*|\1$last_image|" "dist/$last/install.yaml" >"$dir/last-release.yaml"
	echo "the last release is $last, $([[ -f $images/last-release.tar ]] && echo built from its tag || echo with the present manager)"
	KUBECONFIG=$dir/admin.kubeconfig KUBECTL=$(binary kubectl) LAST_RELEASE=$dir/last-release.yaml go test -tags realnode -count=1 -v -timeout 15m ./test/realnode
}

case ${1:-} in
preflight | ready | build | down | interrupted) "$1" ;;
up) keep ;;
test) scenarios ;;
*) sed -n '2,14s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
