package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// tlsConfig is how a spec wants TLS spoken. Its Secrets are read again each time, so that a rotated one counts.
func tlsConfig(ctx context.Context, a *attempt, spec *v1alpha1.TLSConfig, references referenceReader) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetClientCertificate: presenting(a, &tls.Certificate{}),
		VerifyConnection:     seeing(a),
	}
	if spec == nil {
		return config, nil
	}
	config.ServerName = spec.ServerName
	config.InsecureSkipVerify = spec.InsecureSkipVerify //nolint:gosec // the user's explicit choice, off by default
	if err := addAuthorities(ctx, config, spec, references); err != nil {
		return nil, err
	}
	return config, addClientCertificate(ctx, a, config, spec.ClientCertSecretRef, references)
}

// seeing keeps what a handshake showed. It is called at the end of each, verified or not.
func seeing(a *attempt) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		a.sawChain(state)
		return nil
	}
}

// addAuthorities trusts those of a Secret or a ConfigMap instead of the system's, if the spec names one.
func addAuthorities(ctx context.Context, config *tls.Config, spec *v1alpha1.TLSConfig, references referenceReader) error {
	var bundle []byte
	var where string
	var err error
	switch {
	case spec.CASecretRef != nil:
		where = fmt.Sprintf("key %s of Secret %s", spec.CASecretRef.Key, spec.CASecretRef.Name)
		bundle, err = references.key(ctx, *spec.CASecretRef)
	case spec.CAConfigMapRef != nil:
		where = fmt.Sprintf("key %s of ConfigMap %s", spec.CAConfigMapRef.Key, spec.CAConfigMapRef.Name)
		bundle, err = references.configMapKey(ctx, *spec.CAConfigMapRef)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(bundle) {
		return plainError(where + " has no certificate in PEM")
	}
	return nil
}

func addClientCertificate(
	ctx context.Context, a *attempt, config *tls.Config, ref *v1alpha1.SecretReference, references referenceReader,
) error {
	if ref == nil {
		return nil
	}
	certificate, err := references.key(ctx, v1alpha1.SecretKeyReference{Name: ref.Name, Key: corev1.TLSCertKey})
	if err != nil {
		return err
	}
	key, err := references.key(ctx, v1alpha1.SecretKeyReference{Name: ref.Name, Key: corev1.TLSPrivateKeyKey})
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
// empty one: a server that redirects must not choose to whom we prove who we are.
func presenting(a *attempt, certificate *tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		a.certificateAsked.Store(true)
		if a.originLeft.Load() {
			return &tls.Certificate{}, nil
		}
		return certificate, nil
	}
}
