// Package uninstall takes the CRDs away under the built manager, as `kubectl delete -f` does, and looks at gated pods.
package uninstall
