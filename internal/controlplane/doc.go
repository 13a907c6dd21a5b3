// Package controlplane runs a real kube-apiserver and etcd on loopback, with the CRDs of this project
// installed: what the tests and `make run` run against. The binaries are those of `make controlplane`,
// or of $KUBEBUILDER_ASSETS where it has them. The manager never imports it.
package controlplane
