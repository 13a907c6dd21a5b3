package probe

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Secrets reads one Secret, live: there is no list, no watch and no cache of them. Errors are those of the API.
type Secrets interface {
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// referenceError says why a value is not to be had. Its message names Secrets and keys, and no values.
type referenceError struct{ reason, message string }

func (e *referenceError) Error() string { return e.message }

// referenceReader reads the Secrets and ConfigMaps of one namespace for one probe, each of them once: otherwise a rotation between two
// reads would pair an old certificate with a new key.
type referenceReader struct {
	secrets    Secrets
	configMaps ConfigMaps
	namespace  string
	read       map[string]*corev1.Secret
}

func (p *Probes) referencesOf(check *v1alpha1.HealthCheck) referenceReader {
	return referenceReader{
		secrets: p.secrets, configMaps: p.configMaps, namespace: check.Namespace, read: map[string]*corev1.Secret{},
	}
}

func (r referenceReader) key(ctx context.Context, ref v1alpha1.SecretKeyReference) ([]byte, error) {
	secret, err := r.secret(ctx, ref.Name)
	if err != nil {
		return nil, err
	}
	value, found := secret.Data[ref.Key]
	if !found {
		return nil, &referenceError{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %s has no key %s", ref.Name, ref.Key)}
	}
	return value, nil
}

func (r referenceReader) secret(ctx context.Context, name string) (*corev1.Secret, error) {
	if r.secrets == nil {
		return nil, plainError("this manager reads no Secrets")
	}
	if secret, found := r.read[name]; found {
		return secret, nil
	}
	secret, err := r.secrets.Secret(ctx, r.namespace, name)
	switch {
	case err == nil:
		r.read[name] = secret
		return secret, nil
	case apierrors.IsNotFound(err):
		return nil, &referenceError{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %s does not exist", name)}
	case apierrors.IsForbidden(err):
		return nil, &referenceError{v1alpha1.ReasonSecretForbidden, fmt.Sprintf("the manager may not read Secret %s: "+
			"install config/components/secret-reader in the namespace", name)}
	default:
		return nil, &ReadError{"Secret " + name + " could not be read", err}
	}
}
