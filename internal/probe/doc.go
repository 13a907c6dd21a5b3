// Package probe looks at the world, one prober a source. It knows no Kubernetes client.
package probe
