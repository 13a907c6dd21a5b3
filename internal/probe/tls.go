package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// tlsConfig is how a spec wants TLS spoken. Its Secrets are read anew each time, so a rotated one counts at once.
func tlsConfig(ctx context.Context, a *attempt, spec *v1alpha1.TLSConfig, secrets secretReader) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetClientCertificate: presenting(a, &tls.Certificate{})}
	if spec == nil {
		return config, nil
	}
	config.ServerName = spec.ServerName
	config.InsecureSkipVerify = spec.InsecureSkipVerify //nolint:gosec // the user's explicit choice, off by default
	if err := addAuthorities(ctx, config, spec.CASecretRef, secrets); err != nil {
		return nil, err
	}
	return config, addClientCertificate(ctx, a, config, spec.ClientCertSecretRef, secrets)
}

func addAuthorities(
	ctx context.Context, config *tls.Config, ref *v1alpha1.SecretKeyReference, secrets secretReader,
) error {
	if ref == nil {
		return nil
	}
	bundle, err := secrets.key(ctx, *ref)
	if err != nil {
		return err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(bundle) {
		return plainError(fmt.Sprintf("key %s of Secret %s has no certificate in PEM", ref.Key, ref.Name))
	}
	return nil
}

func addClientCertificate(
	ctx context.Context, a *attempt, config *tls.Config, ref *v1alpha1.SecretReference, secrets secretReader,
) error {
	if ref == nil {
		return nil
	}
	certificate, err := secrets.key(ctx, v1alpha1.SecretKeyReference{Name: ref.Name, Key: corev1.TLSCertKey})
	if err != nil {
		return err
	}
	key, err := secrets.key(ctx, v1alpha1.SecretKeyReference{Name: ref.Name, Key: corev1.TLSPrivateKeyKey})
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return plainError(fmt.Sprintf("tls.crt and tls.key of Secret %s are no certificate and key that match, in PEM",
			ref.Name))
	}
	config.GetClientCertificate = presenting(a, &pair)
	return nil
}

// presenting gives a certificate, or an empty one, to a server that asks, and notes that it did. A server of
// TLS 1.3 refuses a client only after the handshake has ended for us, and then its alert and the reset of the
// connection race; the note lets both be told in the same words. After a redirect to another origin it is the
// empty one: who may redirect must not choose to whom we prove who we are.
func presenting(a *attempt, certificate *tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		a.certificateAsked.Store(true)
		if a.originLeft.Load() {
			return &tls.Certificate{}, nil
		}
		return certificate, nil
	}
}
