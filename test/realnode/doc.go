// Package realnode tests the installation on a real node: a kubelet that runs the pods, and kube-proxy that sends traffic to
// those that are ready. `make e2e` starts it and runs these tests, which have the build tag realnode.
package realnode
