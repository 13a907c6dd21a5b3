package healthcheck

import (
	"context"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/probe"
)

// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get

// LiveReads reads what probes need from the API server, by name. There is no list, no watch and no cache of
// Secrets and ConfigMaps, and a heartbeat is read when it is judged.
type LiveReads struct {
	// Reader reads past every cache; that of internal/live shares what it has read with all who need it within a second.
	Reader client.Reader
}

var (
	_ probe.Secrets    = LiveReads{}
	_ probe.ConfigMaps = LiveReads{}
	_ probe.Leases     = LiveReads{}
)

// Secret implements probe.Secrets. Reading Secrets needs the Role of config/components/secret-reader.
func (l LiveReads) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	return secret, l.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
}

// ConfigMap implements probe.ConfigMaps. Reading ConfigMaps needs the Role of config/components/configmap-reader.
func (l LiveReads) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	configMap := &corev1.ConfigMap{}
	return configMap, l.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, configMap)
}

// Lease implements probe.Leases.
func (l LiveReads) Lease(ctx context.Context, namespace, name string) (*coordinationv1.Lease, error) {
	lease := &coordinationv1.Lease{}
	return lease, l.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, lease)
}
