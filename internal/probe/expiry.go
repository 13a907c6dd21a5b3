package probe

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

// sawChain keeps the certificate that ends first, at the end of a handshake. It is of the chain that was verified, with
// the authority that is trusted; of several, that counts which lasts longest. Where nothing was verified it is of what
// the server sent.
func (a *attempt) sawChain(state tls.ConnectionState) {
	chains := state.VerifiedChains
	if len(chains) == 0 {
		chains = [][]*x509.Certificate{state.PeerCertificates}
	}
	var last *x509.Certificate
	for _, chain := range chains {
		if first := firstToEnd(chain); first != nil && (last == nil || endsLater(first, last)) {
			last = first
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked.firstToEnd = firstToEnd([]*x509.Certificate{a.locked.firstToEnd, last})
}

// firstToEnd is nil where there is no certificate.
func firstToEnd(chain []*x509.Certificate) *x509.Certificate {
	var first *x509.Certificate
	for _, certificate := range chain {
		if certificate != nil && (first == nil || endsLater(first, certificate)) {
			first = certificate
		}
	}
	return first
}

func endsLater(a, b *x509.Certificate) bool { return a.NotAfter.After(b.NotAfter) }

// ending is the certificate that ends first of those that this attempt saw, nil where it saw none.
func (a *attempt) ending() *x509.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked.firstToEnd
}

// certificates tells when the certificates of a probe end, which is a metric.
func (p *Probes) certificates(check *v1alpha1.HealthCheck, a *attempt) {
	if certificate := a.ending(); certificate != nil && p.sawCertificate != nil {
		p.sawCertificate(check, certificate.NotAfter)
	}
}

// expiring makes a warning of a success where a certificate ends soon. The text is the same until it is replaced, and
// after its end too, where nothing is verified.
func (p *Probes) expiring(a *attempt, spec *v1alpha1.TLSConfig, result Result) Result {
	certificate := a.ending()
	if certificate == nil || spec == nil || spec.WarnBeforeExpiry == nil || result.Outcome == health.Failed {
		return result
	}
	if certificate.NotAfter.Sub(p.clock.Now()) > spec.WarnBeforeExpiry.Duration {
		return result
	}
	return warned(fmt.Sprintf("%s; the certificate %s is valid until %s",
		result.Message, nameOf(certificate), certificate.NotAfter.UTC().Format(time.RFC3339)))
}
