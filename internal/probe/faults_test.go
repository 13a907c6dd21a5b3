package probe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

var (
	longAgo   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	since2021 = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	in2099    = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
)

// intermediate is an authority below this one.
func (a *authority) intermediate(options ...func(*x509.Certificate)) *authority {
	a.t.Helper()
	below := &authority{t: a.t, key: newKey(a.t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "intermediate"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	for _, option := range options {
		option(template)
	}
	below.certificate = a.sign(template, a.certificate, below.key)
	return below
}

// chained is a TLS configuration whose chain has the certificates of these authorities too.
func chained(config *tls.Config, authorities ...*authority) *tls.Config {
	for _, a := range authorities {
		config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, a.certificate.Raw)
	}
	return config
}

func expired(c *x509.Certificate) { c.NotBefore, c.NotAfter = longAgo, since2021 }

// ofEveryTLS are checks of an address, by each source that speaks TLS, with the subject of their messages.
func ofEveryTLS(address string, config v1alpha1.TLSConfig) map[string]*v1alpha1.HealthCheck {
	grpc, tcp := grpcCheck(address, ""), tcpCheck(address)
	grpc.Spec.GRPC.TLS, tcp.Spec.TCP.TLS = &config, &config
	return map[string]*v1alpha1.HealthCheck{
		"GET https://" + address: httpCheck("https://"+address, withTLS(config)),
		"grpc " + address:        grpc,
		"dial tcp " + address:    tcp,
	}
}

// shaking is a server that shakes hands with this configuration, and serves nothing.
func shaking(t *testing.T, config *tls.Config) string {
	t.Helper()
	config.NextProtos = []string{"h2", "http/1.1"}
	return listening(t, func(conn net.Conn) {
		secured := tls.Server(conn, config)
		_ = secured.HandshakeContext(t.Context())
		hang(secured)
	})
}

func TestWhatIsWrongWithWhichCertificateIsTold(t *testing.T) {
	root := newAuthority(t)
	constrained := root.intermediate(func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"other.shop"}
	})
	old, fresh := root.intermediate(expired), root.intermediate()
	named := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = names, nil }
	}
	for name, row := range map[string]struct {
		config  *tls.Config
		message string
	}{
		"it has expired": {root.server(nil, expired),
			"the server's certificate (CN=web.shop) has expired: it was valid until 2021-01-01T00:00:00Z"},
		"it is not valid yet": {root.server(nil, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = in2099, in2099.Add(time.Hour) }),
			"the server's certificate (CN=web.shop) is not valid before 2099-01-01T00:00:00Z"},
		"its authority has expired": {chained(old.server(nil), old),
			"the certificate of the authority CN=intermediate in the server's chain has expired: it was valid until 2021-01-01T00:00:00Z"},
		"its chain lacks a certificate": {fresh.server(nil),
			"the server's certificate (CN=web.shop) is signed by an unknown authority, CN=intermediate, " +
				"or the server leaves that one's certificate out of its chain"},
		"its authority is unknown": {newAuthority(t).server(nil),
			"the server's certificate (CN=web.shop) is signed by an unknown authority: " +
				"one of the name CN=authority is trusted, but its key is another"},
		"it is of a client": {root.server(nil, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }),
			"the server's certificate (CN=web.shop) is not meant for servers: its extended key usage says otherwise"},
		"it is for another host": {root.server(nil, named("a.shop", "b.shop", "c.shop", "d.shop")),
			"the certificate is not valid for 127.0.0.1, but for a.shop, b.shop, c.shop and 1 more"},
		"it has a common name only": {root.server(nil, named()),
			"the certificate (CN=web.shop) has no subject alternative names, and its common name does not count"},
		"its name is outside of a constraint": {chained(constrained.server(nil), constrained),
			"the server's certificate (CN=web.shop) is outside of the name constraints of an authority in its chain"},
	} {
		t.Run(name, func(t *testing.T) {
			address := shaking(t, row.config)
			for subject, check := range ofEveryTLS(address, v1alpha1.TLSConfig{CASecretRef: caRef}) {
				expectFailure(t, probed(t, trusting(t, root), check), subject+": "+row.message)
			}
		})
	}
}

func TestASelfSignedCertificateIsToldAsThat(t *testing.T) {
	root := newAuthority(t)
	self := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "self"},
		NotBefore: longAgo, NotAfter: in2099, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	key := newKey(t)
	signer := &authority{t: t, key: key}
	certificate := signer.sign(self, self, key)
	address := shaking(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}}})
	for subject, check := range ofEveryTLS(address, v1alpha1.TLSConfig{CASecretRef: caRef}) {
		expectFailure(t, probed(t, trusting(t, root), check),
			subject+": the server's certificate (CN=self) is signed by an unknown authority: itself")
	}
}

// No library makes such a certificate, so one is made of a good one: the first bit of its serial number is its sign.
func TestACertificateThatCannotBeParsedIsToldAsThat(t *testing.T) {
	serial := append([]byte{0x7f}, bytes.Repeat([]byte{1}, 15)...)
	root := newAuthority(t)
	config := root.server(nil, func(c *x509.Certificate) { c.SerialNumber = new(big.Int).SetBytes(serial) })
	der := config.Certificates[0].Certificate[0]
	encoded, err := asn1.Marshal(new(big.Int).SetBytes(serial))
	if err != nil {
		t.Fatal(err)
	}
	negative := bytes.Clone(encoded)
	negative[2] = 0xff
	for name, row := range map[string]struct {
		der     []byte
		message string
	}{
		"a negative serial number": {bytes.Replace(der, encoded, negative, 1), "the server's certificate cannot be parsed: negative serial number"},
		"no DER":                   {[]byte("hidden"), "the server's certificate cannot be parsed: malformed certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := config.Clone()
			broken.Certificates = []tls.Certificate{{Certificate: [][]byte{row.der}, PrivateKey: config.Certificates[0].PrivateKey}}
			address := shaking(t, broken)
			for subject, check := range ofEveryTLS(address, v1alpha1.TLSConfig{InsecureSkipVerify: true}) {
				expectFailure(t, probed(t, onLoopback(t), check), subject+": "+row.message)
			}
		})
	}
}

// oldHello is a ServerHello of this version (RFC 5246) that looks at nothing which the client offered.
func oldHello(version byte) string {
	body := "\x03" + string([]byte{version}) + strings.Repeat("r", 32) + "\x00" + "\xc0\x13" + "\x00"
	hello := "\x02\x00\x00" + string([]byte{byte(len(body))}) + body
	return "\x16\x03" + string([]byte{version}) + "\x00" + string([]byte{byte(len(hello))}) + hello
}

func TestAServerOfAnOldVersionOfTLSIsToldAsThat(t *testing.T) {
	for version, name := range map[byte]string{0: "SSL 3.0", 1: "TLS 1.0", 2: "TLS 1.1"} {
		address := listening(t, answer(oldHello(version)))
		for subject, check := range ofEveryTLS(address, v1alpha1.TLSConfig{InsecureSkipVerify: true}) {
			expectFailure(t, probed(t, onLoopback(t), check), subject+": the server speaks "+name+", and TLS 1.2 is the least")
		}
	}
}

func TestAServerThatAsksForAClientCertificateIsToldAsThat(t *testing.T) {
	root := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := root.server(root)
		config.MaxVersion = version
		address := shaking(t, config)
		for subject, check := range ofEveryTLS(address, v1alpha1.TLSConfig{CASecretRef: caRef}) {
			expectFailure(t, probed(t, trusting(t, root), check),
				subject+": the server closed the connection after it asked for a client certificate")
		}
	}
}

func TestTCPPassesWhenTheHandshakeSucceeds(t *testing.T) {
	root := newAuthority(t)
	for name, config := range map[string]*tls.Config{"no client certificate": root.server(nil), "a client certificate": root.server(root)} {
		t.Run(name, func(t *testing.T) {
			address := shaking(t, config)
			check := tcpCheck(address)
			check.Spec.TCP.TLS = &v1alpha1.TLSConfig{CASecretRef: caRef, ClientCertSecretRef: &v1alpha1.SecretReference{Name: "client"}}
			expectPass(t, probed(t, trusting(t, root), check), "dial tcp "+address+": connected, with TLS")
		})
	}
	silent := listening(t, hang)
	check := tcpCheck(silent)
	check.Spec.TCP.TLS = &v1alpha1.TLSConfig{}
	expectFailure(t, probedWithin(t, brokenWithin, onLoopback(t), check),
		"dial tcp "+silent+": timed out after 5s during the TLS handshake")
}

// configMaps is namespace shop's, as an API server with the optional Role would answer.
// The nil one may not be read.
type configMaps map[string]map[string]string

func (c configMaps) ConfigMap(_ context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	resource := schema.GroupResource{Resource: "configmaps"}
	data, found := c[name]
	switch {
	case c == nil:
		return nil, apierrors.NewForbidden(resource, name, nil)
	case !found || namespace != "shop":
		return nil, apierrors.NewNotFound(resource, name)
	}
	return &corev1.ConfigMap{Data: data}, nil
}

func TestAuthoritiesMayBeInAConfigMap(t *testing.T) {
	root := newAuthority(t)
	address := shaking(t, root.server(nil))
	check := tcpCheck(address)
	check.Spec.TCP.TLS = &v1alpha1.TLSConfig{CAConfigMapRef: &v1alpha1.ConfigMapKeyReference{Name: "roots", Key: "ca.crt"}}
	options := onLoopback(t)
	subject := "dial tcp " + address + ": "

	options.ConfigMaps = configMaps{"roots": {"ca.crt": string(root.pem())}}
	expectPass(t, probed(t, options, check), subject+"connected, with TLS")
	options.ConfigMaps = configMaps{"roots": {"ca.crt": "none"}}
	expectFailure(t, probed(t, options, check), subject+"key ca.crt of ConfigMap roots has no certificate in PEM")
	options.ConfigMaps = configMaps{"roots": {}}
	expectResult(t, probed(t, options, check), health.Failed, v1alpha1.ReasonConfigMapNotFound, subject+"ConfigMap roots has no key ca.crt")
	options.ConfigMaps = configMaps{}
	expectResult(t, probed(t, options, check), health.Failed, v1alpha1.ReasonConfigMapNotFound, subject+"ConfigMap roots does not exist")
	options.ConfigMaps = configMaps(nil)
	expectResult(t, probed(t, options, check), health.Failed, v1alpha1.ReasonConfigMapForbidden, subject+
		"the manager may not read ConfigMap roots: install config/components/configmap-reader in the namespace")
	options.ConfigMaps = nil
	expectFailure(t, probed(t, options, check), subject+"this manager reads no ConfigMaps")
}

// ending is a certificate that ends then.
func ending(at time.Time) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = at }
}

func TestACertificateOfTheChainThatEndsSoonIsAWarning(t *testing.T) {
	soon, later := time.Now().Add(24*time.Hour).UTC().Truncate(time.Second), time.Now().Add(1000*time.Hour).UTC().Truncate(time.Second)
	root := newAuthority(t, ending(later.Add(time.Hour)))
	below := root.intermediate(ending(soon))
	validUntil := func(end time.Time) string { return "is valid until " + end.Format(time.RFC3339) }
	for name, row := range map[string]struct {
		config *tls.Config
		within time.Duration
		ends   time.Time
		says   string
	}{
		"not yet":          {root.server(nil, ending(soon)), 23 * time.Hour, soon, ""},
		"its own":          {root.server(nil, ending(soon)), 25 * time.Hour, soon, "; the certificate CN=web.shop " + validUntil(soon)},
		"an authority's":   {chained(below.server(nil, ending(later)), below), 25 * time.Hour, soon, "; the certificate CN=intermediate " + validUntil(soon)},
		"the root's":       {root.server(nil, ending(later.Add(2*time.Hour))), 1002 * time.Hour, later.Add(time.Hour), "; the certificate CN=authority " + validUntil(later.Add(time.Hour))},
		"it is never told": {root.server(nil, ending(soon)), 0, soon, ""},
	} {
		t.Run(name, func(t *testing.T) {
			expectExpiry(t, root, row.config, row.within, row.ends, row.says)
		})
	}
}

func expectExpiry(t *testing.T, root *authority, config *tls.Config, within time.Duration, ends time.Time, says string) {
	t.Helper()
	var seen time.Time
	options := trusting(t, root)
	options.SawCertificate = func(_ *v1alpha1.HealthCheck, notAfter time.Time) { seen = notAfter }
	spec := v1alpha1.TLSConfig{CASecretRef: caRef}
	if within > 0 {
		spec.WarnBeforeExpiry = &metav1.Duration{Duration: within}
	}
	address := strings.TrimPrefix(servingTLS(t, config), "https://")
	checks := ofEveryTLS(address, spec)
	delete(checks, "grpc "+address)
	for subject, check := range checks {
		got := probed(t, options, check)
		what := map[bool]string{true: "200 OK", false: "connected, with TLS"}[check.Spec.HTTP != nil]
		outcome, reason := health.Passed, v1alpha1.ReasonProbeSucceeded
		if says != "" {
			outcome, reason = health.Warned, v1alpha1.ReasonProbeWarning
		}
		expectResult(t, got, outcome, reason, subject+": "+what+says)
		if !seen.Equal(ends) {
			t.Errorf("%s: the certificate that ends first does so at %s, want %s", subject, seen, ends)
		}
		seen = time.Time{}
	}
}

// What is not verified ends too: then all that the server sends is looked at, and what has ended is only a warning.
func TestACertificateThatHasEndedIsAWarningWhereNothingIsVerified(t *testing.T) {
	url := servingTLS(t, newAuthority(t).server(nil, expired))
	config := v1alpha1.TLSConfig{InsecureSkipVerify: true, WarnBeforeExpiry: &metav1.Duration{Duration: time.Hour}}
	expectResult(t, probed(t, onLoopback(t), httpCheck(url, withTLS(config))), health.Warned, v1alpha1.ReasonProbeWarning,
		"GET "+url+": 200 OK; the certificate CN=web.shop is valid until 2021-01-01T00:00:00Z")
}

func TestAFailureIsNotHiddenByACertificateThatEndsSoon(t *testing.T) {
	root := newAuthority(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	server.TLS = root.server(nil)
	server.StartTLS()
	t.Cleanup(server.Close)
	config := v1alpha1.TLSConfig{CASecretRef: caRef, WarnBeforeExpiry: &metav1.Duration{Duration: 1000 * time.Hour}}
	expectFailure(t, probed(t, trusting(t, root), httpCheck(server.URL, withTLS(config))), "GET "+server.URL+": 500 Internal Server Error")
}
