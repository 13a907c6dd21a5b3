package probe_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// servingTLS is an HTTPS server with this configuration, and HTTP/2.
func servingTLS(t *testing.T, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Proto)
		if r.ProtoMajor != 2 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		}
	}))
	server.TLS, server.EnableHTTP2 = config, true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are what these tests are about
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func withTLS(config v1alpha1.TLSConfig) func(*v1alpha1.HTTPProbe) {
	return func(spec *v1alpha1.HTTPProbe) { spec.TLS = &config }
}

var caRef = &v1alpha1.SecretKeyReference{Name: "ca", Key: "ca.crt"}

// trusting are options whose Secrets hold the authority, as ca/ca.crt, and a client certificate of it.
func trusting(t *testing.T, ca *authority) probe.Options {
	t.Helper()
	certificate, key := ca.issued("prober")
	options := onLoopback(t)
	options.Secrets = secrets{"ca": {"ca.crt": ca.pem()}, "client": {"tls.crt": certificate, "tls.key": key}}
	return options
}

// unknownAuthority is said of a server whose chain has nothing but its own certificate.
const unknownAuthority = "the server's certificate (CN=web.shop) is signed by an unknown authority, CN=authority, " +
	"or the server leaves that one's certificate out of its chain"

func TestHTTPSTrustsTheGivenAuthority(t *testing.T) {
	ca := newAuthority(t)
	url := servingTLS(t, ca.server(nil))
	expectPass(t, probed(t, trusting(t, ca), httpCheck(url, withTLS(v1alpha1.TLSConfig{CASecretRef: caRef}))),
		"GET "+url+": 200 OK")
	expectFailure(t, probed(t, trusting(t, newAuthority(t)),
		httpCheck(url, withTLS(v1alpha1.TLSConfig{CASecretRef: caRef}))),
		"GET "+url+": the server's certificate (CN=web.shop) is signed by an unknown authority: "+
			"one of the name CN=authority is trusted, but its key is another")
	expectFailure(t, probed(t, onLoopback(t), httpCheck(url)),
		"GET "+url+": "+unknownAuthority)
}

func TestHTTPSWithoutVerificationIsTheUsersChoice(t *testing.T) {
	url := servingTLS(t, newAuthority(t).server(nil))
	expectPass(t, probed(t, onLoopback(t), httpCheck(url, withTLS(v1alpha1.TLSConfig{InsecureSkipVerify: true}))),
		"GET "+url+": 200 OK")
}

func TestHTTPSVerifiesTheServerName(t *testing.T) {
	ca := newAuthority(t)
	url := servingTLS(t, ca.server(nil))
	named := func(name string) *v1alpha1.HealthCheck {
		return httpCheck(url, withTLS(v1alpha1.TLSConfig{CASecretRef: caRef, ServerName: name}))
	}
	expectPass(t, probed(t, trusting(t, ca), named("web.shop")), "GET "+url+": 200 OK")
	expectFailure(t, probed(t, trusting(t, ca), named("other.shop")),
		"GET "+url+": the certificate is not valid for other.shop, but for web.shop, 127.0.0.1")
}

func TestHTTPSTellsAnExpiredCertificateWithoutTheTimeOfDay(t *testing.T) {
	ca := newAuthority(t)
	url := servingTLS(t, ca.server(nil, func(c *x509.Certificate) {
		c.NotBefore = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		c.NotAfter = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	}))
	expectFailure(t, probed(t, trusting(t, ca), httpCheck(url, withTLS(v1alpha1.TLSConfig{CASecretRef: caRef}))),
		"GET "+url+": the server's certificate (CN=web.shop) has expired: it was valid until 2021-01-01T00:00:00Z")
}

func TestHTTPSPresentsTheClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	url := servingTLS(t, ca.server(ca))
	mutual := v1alpha1.TLSConfig{CASecretRef: caRef, ClientCertSecretRef: &v1alpha1.SecretReference{Name: "client"}}
	expectPass(t, probed(t, trusting(t, ca), httpCheck(url, withTLS(mutual))), "GET "+url+": 200 OK")
	without := probed(t, trusting(t, ca), httpCheck(url, withTLS(v1alpha1.TLSConfig{CASecretRef: caRef})))
	expectFailure(t, without, "GET "+url+": the server closed the connection after it asked for a client certificate")
}

// noting is a server that takes a client certificate and requires none. It notes whether it was given one, and
// redirects once to where it is told.
func noting(t *testing.T, ca *authority, given func(name string), name string, to *string) string {
	t.Helper()
	var redirected bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			given(name)
		}
		if !redirected {
			redirected = true
			http.Redirect(w, r, *to, http.StatusFound)
		}
	}))
	server.TLS = ca.server(ca)
	server.TLS.ClientAuth = tls.VerifyClientCertIfGiven
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheClientCertificateStaysWithTheFirstOrigin(t *testing.T) {
	ca := newAuthority(t)
	given := make(chan string, 10)
	var first, second string
	first = noting(t, ca, func(name string) { given <- name }, "first", &second)
	second = noting(t, ca, func(name string) { given <- name }, "second", &first)
	mutual := v1alpha1.TLSConfig{CASecretRef: caRef, ClientCertSecretRef: &v1alpha1.SecretReference{Name: "client"}}
	expectPass(t, probed(t, trusting(t, ca), httpCheck(first, withTLS(mutual))),
		"GET "+first+", redirected to "+first+": 200 OK")
	close(given)
	var all []string
	for name := range given {
		all = append(all, name)
	}
	if strings.Join(all, ",") != "first" {
		t.Errorf("the certificate was presented to %q, want only the first, and only once", all)
	}
}

// Only a server that hangs up is said to have refused the certificate; one that took it and then answers nonsense is
// not.
func TestABrokenAnswerIsNotToldAsARefusedClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	for name, row := range map[string]struct{ text, message string }{
		"an encoding of no kind": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: odd\r\n\r\n",
			"the answer is not a valid HTTP response"},
		"another protocol": {"220 secret.shop ESMTP\r\n", "the answer is not a valid HTTP response"},
		"no answer":        {"", "the server closed the connection after it asked for a client certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			config := ca.server(ca)
			config.ClientAuth = tls.RequestClientCert
			url := "https://" + listening(t, func(conn net.Conn) {
				secured := tls.Server(conn, config)
				answer(row.text)(secured)
				_ = secured.CloseWrite()
			})
			check := httpCheck(url, withTLS(v1alpha1.TLSConfig{CASecretRef: caRef}))
			expectFailure(t, probed(t, trusting(t, ca), check), "GET "+url+": "+row.message)
		})
	}
}

func TestBrokenTLSSecretsAreNamedAndNotShown(t *testing.T) {
	ca := newAuthority(t)
	url := servingTLS(t, ca.server(nil))
	certificate, _ := ca.issued("prober")
	_, otherKey := ca.issued("other")
	for name, row := range map[string]struct {
		secrets secrets
		reason  string
		message string
	}{
		"no CA":     {secrets{}, v1alpha1.ReasonSecretNotFound, "Secret ca does not exist"},
		"no CA key": {secrets{"ca": {}}, v1alpha1.ReasonSecretNotFound, "Secret ca has no key ca.crt"},
		"CA garbage": {secrets{"ca": {"ca.crt": []byte("hidden")}}, v1alpha1.ReasonProbeFailed,
			"key ca.crt of Secret ca has no certificate in PEM"},
		"no pair": {secrets{"ca": {"ca.crt": ca.pem()}}, v1alpha1.ReasonSecretNotFound, "Secret client does not exist"},
		"half a pair": {secrets{"ca": {"ca.crt": ca.pem()}, "client": {"tls.crt": certificate}},
			v1alpha1.ReasonSecretNotFound, "Secret client has no key tls.key"},
		"two halves": {secrets{"ca": {"ca.crt": ca.pem()}, "client": {"tls.crt": certificate, "tls.key": otherKey}},
			v1alpha1.ReasonProbeFailed, "tls.crt and tls.key of Secret client are no certificate and key that match, in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			options := onLoopback(t)
			options.Secrets = row.secrets
			check := httpCheck(url, withTLS(v1alpha1.TLSConfig{CASecretRef: caRef,
				ClientCertSecretRef: &v1alpha1.SecretReference{Name: "client"}}))
			expectResult(t, probed(t, options, check), health.Failed, row.reason, "GET "+url+": "+row.message)
		})
	}
}

func TestHTTPSFailuresNameTheHandshake(t *testing.T) {
	for name, row := range map[string]struct {
		serve   func(net.Conn)
		message string
	}{
		"silence":          {hang, "timed out after 5s during the TLS handshake"},
		"plain HTTP":       {answer("HTTP/1.1 400 Bad Request\r\n\r\n"), "the server does not speak TLS"},
		"another protocol": {answer("220 secret.shop ESMTP\r\n"), "the server does not speak TLS"},
		"a close":          {readRequest, "the server closed the connection during the TLS handshake"},
		"a reset": {func(conn net.Conn) { readRequest(conn); reset(conn) },
			"the server closed the connection during the TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			url := "https://" + listening(t, row.serve)
			expectFailure(t, probedWithin(t, brokenWithin, onLoopback(t), httpCheck(url)), "GET "+url+": "+row.message)
		})
	}
}

func TestHTTPSSpeaksNoOldTLS(t *testing.T) {
	config := newAuthority(t).server(nil)
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	url := servingTLS(t, config)
	got := probed(t, onLoopback(t), httpCheck(url, withTLS(v1alpha1.TLSConfig{InsecureSkipVerify: true})))
	if got.Outcome != health.Failed || !strings.Contains(got.Message, "the server refused the TLS handshake") {
		t.Errorf("%+v", got)
	}
}
