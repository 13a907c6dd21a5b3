package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// certificateWords say what is wrong with which certificate: the server's own, or one of an authority. There is no
// current time in them, which crypto/x509 puts into its texts.
func certificateWords(err error) (string, bool) {
	var chain []*x509.Certificate
	unverified, isUnverified := errors.AsType[*tls.CertificateVerificationError](err)
	if isUnverified {
		chain = unverified.UnverifiedCertificates
	}
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return hostWords(host), true
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return authorityWords(unknown, chain), true
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Cert != nil {
		return holderOf(invalid.Cert, chain) + " " + faultWords(invalid), true
	}
	return "the certificate could not be verified", isUnverified
}

// hostWords say which names a certificate has.
func hostWords(err x509.HostnameError) string {
	names := namesOf(err.Certificate)
	if len(names) == 0 {
		return fmt.Sprintf("the certificate (%s) has no subject alternative names, and its common name does not count",
			nameOf(err.Certificate))
	}
	return fmt.Sprintf("the certificate is not valid for %s, but for %s", err.Host, firstFew(names))
}

// authorityWords distinguish two cases that look alike to a client, as far as possible: an authority that is not
// trusted, and a chain that lacks a certificate.
func authorityWords(err x509.UnknownAuthorityError, chain []*x509.Certificate) string {
	if err.Cert == nil {
		return "the certificate is signed by an unknown authority"
	}
	text := err.Error()
	issuer := shortName(err.Cert.Issuer.String())
	switch {
	case strings.Contains(text, "insecure algorithm"):
		return holderOf(err.Cert, chain) + " is signed in a way that is no longer secure, such as by SHA-1"
	case strings.Contains(text, "possibly because of"):
		return fmt.Sprintf("%s is signed by an unknown authority: one of the name %s is trusted, but its key is another",
			holderOf(err.Cert, chain), issuer)
	case slices.Equal(err.Cert.RawIssuer, err.Cert.RawSubject):
		return holderOf(err.Cert, chain) + " is signed by an unknown authority: itself"
	case len(chain) == 1:
		return fmt.Sprintf("%s is signed by an unknown authority, %s, or the server leaves that one's certificate out of its chain",
			holderOf(err.Cert, chain), issuer)
	default:
		return fmt.Sprintf("%s is signed by an unknown authority, %s", holderOf(err.Cert, chain), issuer)
	}
}

// faultWords follow the holder of the certificate.
func faultWords(err x509.CertificateInvalidError) string {
	switch err.Reason {
	case x509.Expired:
		if strings.Contains(err.Detail, "is before") {
			return "is not valid before " + err.Cert.NotBefore.UTC().Format(time.RFC3339)
		}
		return "has expired: it was valid until " + err.Cert.NotAfter.UTC().Format(time.RFC3339)
	case x509.NotAuthorizedToSign:
		return "signs others, and is not one of an authority"
	case x509.CANotAuthorizedForThisName, x509.UnconstrainedName, x509.NameConstraintsWithoutSANs:
		return "is outside of the name constraints of an authority in its chain"
	case x509.IncompatibleUsage, x509.CANotAuthorizedForExtKeyUsage:
		return "is not meant for servers: its extended key usage says otherwise"
	case x509.TooManyIntermediates:
		return "allows no chain as long as this one"
	default:
		return "is not valid"
	}
}

// holderOf says whose certificate of a chain it is.
func holderOf(certificate *x509.Certificate, chain []*x509.Certificate) string {
	if len(chain) == 0 || certificate.Equal(chain[0]) {
		return fmt.Sprintf("the server's certificate (%s)", nameOf(certificate))
	}
	return fmt.Sprintf("the certificate of the authority %s in the server's chain", nameOf(certificate))
}

// nameOf a certificate is its subject or, where it has none, the first name that it is for.
func nameOf(certificate *x509.Certificate) string {
	if subject := certificate.Subject.String(); subject != "" {
		return shortName(subject)
	}
	if names := namesOf(certificate); len(names) > 0 {
		return shortName(names[0])
	}
	return "no subject"
}

func namesOf(certificate *x509.Certificate) []string {
	names := slices.Clone(certificate.DNSNames)
	for _, address := range certificate.IPAddresses {
		names = append(names, address.String())
	}
	return names
}

const (
	// maxName of a certificate is shown; it is for the other side to choose.
	maxName = 128
	// fewNames are shown.
	fewNames = 3
)

func shortName(name string) string {
	if runes := []rune(name); len(runes) > maxName {
		return string(runes[:maxName]) + "…"
	}
	return name
}

func firstFew(names []string) string {
	shown := make([]string, 0, fewNames)
	for _, name := range names[:min(len(names), fewNames)] {
		shown = append(shown, shortName(name))
	}
	text := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

var (
	unparsed = regexp.MustCompile(`tls: failed to parse certificate from server: (?:x509: ([a-zA-Z -]{1,60})$)?`)
	// oldVersions are those that a ServerHello may choose though they were not offered.
	oldVersions = map[string]string{"300": "SSL 3.0", "301": "TLS 1.0", "302": "TLS 1.1"}
	oldVersion  = regexp.MustCompile(`tls: server selected unsupported protocol version (30[012])$`)
)

// handshakeWords knows those errors of crypto/tls that have no type, and nothing of the other side in them.
func handshakeWords(err error) string {
	if found := oldVersion.FindStringSubmatch(err.Error()); found != nil {
		return fmt.Sprintf("the server speaks %s, and TLS 1.2 is the least", oldVersions[found[1]])
	}
	switch found := unparsed.FindStringSubmatch(err.Error()); {
	case found == nil:
		return "the TLS handshake failed"
	case found[1] == "":
		return "the server's certificate cannot be parsed"
	default:
		return "the server's certificate cannot be parsed: " + found[1]
	}
}
