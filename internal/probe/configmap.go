package probe

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// ConfigMaps reads one ConfigMap, live: there is no list, no watch and no cache of them. Errors are those of the API.
type ConfigMaps interface {
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
}

// configMapKey is what a ConfigMap has under a key, as text or as bytes.
func (r referenceReader) configMapKey(ctx context.Context, ref v1alpha1.ConfigMapKeyReference) ([]byte, error) {
	if r.configMaps == nil {
		return nil, plainError("this manager reads no ConfigMaps")
	}
	configMap, err := r.configMaps.ConfigMap(ctx, r.namespace, ref.Name)
	if err != nil {
		return nil, configMapError(ref.Name, err)
	}
	if text, found := configMap.Data[ref.Key]; found {
		return []byte(text), nil
	}
	if bytes, found := configMap.BinaryData[ref.Key]; found {
		return bytes, nil
	}
	return nil, &referenceError{v1alpha1.ReasonConfigMapNotFound, fmt.Sprintf("ConfigMap %s has no key %s", ref.Name, ref.Key)}
}

func configMapError(name string, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return &referenceError{v1alpha1.ReasonConfigMapNotFound, fmt.Sprintf("ConfigMap %s does not exist", name)}
	case apierrors.IsForbidden(err):
		return &referenceError{v1alpha1.ReasonConfigMapForbidden, fmt.Sprintf("the manager may not read ConfigMap %s: "+
			"install config/components/configmap-reader in the namespace", name)}
	default:
		return &ReadError{"ConfigMap " + name + " could not be read", err}
	}
}
