package probe

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxRedirects are followed.
const maxRedirects = 10

type redirectPolicy func(request *http.Request, via []*http.Request) error

func follows(spec *v1alpha1.HTTPProbe) bool {
	return spec.FollowRedirects == nil || *spec.FollowRedirects
}

// redirects is what a spec wants done with a redirect. Where it is followed, the dialer judges the new
// address as it did the first. Values of Secrets, a Host header and the client certificate stay with the origin that
// they were meant for; a redirect back to the first origin does not restore them.
func redirects(a *attempt, spec *v1alpha1.HTTPProbe) redirectPolicy {
	if !follows(spec) {
		return func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	subject, _ := a.now()
	secret := secretHeaders(spec)
	return func(request *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return plainError("stopped after 10 redirects")
		}
		request.Header.Del("Referer") // it has the query of the last URL
		if strayed(request, via) {
			a.originLeft.Store(true)
			request.Host = "" // net/http keeps it where a Location has no scheme, as //another.host/ has none
			dropHeaders(request, secret)
		} else {
			keepHeaders(request, via[0])
		}
		a.retitled(subject + ", redirected to " + origin(request.URL) + without(heldBack(request, via[0], spec)))
		return nil
	}
}

func dropHeaders(request *http.Request, names []string) {
	for name := range request.Header {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			delete(request.Header, name)
		}
	}
}

// keepHeaders restores what net/http takes out where an origin is the same and its spelling is not. What describes a body
// goes with the body.
func keepHeaders(request, first *http.Request) {
	for name, values := range first.Header {
		if _, kept := request.Header[name]; !kept && !describesBody(name) {
			request.Header[name] = values
		}
	}
	if first.Host != first.URL.Host {
		request.Host = first.Host
	}
}

func describesBody(name string) bool {
	return strings.HasPrefix(http.CanonicalHeaderKey(name), "Content-")
}

// heldBack names what the first request had and a redirected one has not.
func heldBack(request, first *http.Request, spec *v1alpha1.HTTPProbe) []string {
	var held []string
	for name := range first.Header {
		if _, kept := request.Header[name]; !kept && !describesBody(name) {
			held = append(held, "the header "+name)
		}
	}
	if first.Host != first.URL.Host && request.Host != first.Host {
		held = append(held, "the header Host")
	}
	slices.Sort(held)
	certified := spec.TLS != nil && spec.TLS.ClientCertSecretRef != nil
	if certified && request.URL.Scheme == "https" && !sameOrigin(request, first) {
		held = append(held, "the client certificate")
	}
	return held
}

// without tells what was held back; a bound of it goes into a message.
func without(held []string) string {
	switch {
	case len(held) == 0:
		return ""
	case len(held) > fewNames:
		held = append(held[:fewNames], fmt.Sprintf("%d more", len(held)-fewNames))
	}
	last := len(held) - 1
	if last == 0 {
		return " without " + held[0]
	}
	return " without " + strings.Join(held[:last], ", ") + " and " + held[last]
}

// hostPattern is of what a message may repeat of a response: the name or the address of a host, with a port.
var hostPattern = regexp.MustCompile(`^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$`)

// origin is where a Location leads, as messages show it. All of that is the server's to choose, so only what is
// plainly a host is shown.
func origin(u *url.URL) string {
	if u.Scheme != "http" && u.Scheme != "https" || !hostPattern.MatchString(u.Host) {
		return "another host"
	}
	return u.Scheme + "://" + u.Host
}

// strayed reports whether the redirects have left the first origin, though they may have come back.
func strayed(request *http.Request, via []*http.Request) bool {
	elsewhere := func(r *http.Request) bool { return !sameOrigin(r, via[0]) }
	return elsewhere(request) || slices.ContainsFunc(via, elsewhere)
}

// sameOrigin compares scheme, host and port (RFC 6454), whatever their spelling.
func sameOrigin(a, b *http.Request) bool {
	return a.URL.Scheme == b.URL.Scheme && hostAndPort(a.URL) == hostAndPort(b.URL)
}

// hostAndPort is the host in lower case, or the address in its shortest form, and the port that is connected to.
func hostAndPort(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.String()
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return host + " " + port
}

// bodiless takes the body off a redirect that is followed: net/http would read it first, and one that does not end would
// be told as the silence of the server that was led to.
type bodiless struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bodiless) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(request)
	if err == nil && isRedirect(response) {
		_ = response.Body.Close()
		response.Body = http.NoBody
	}
	return response, err
}

func isRedirect(response *http.Response) bool {
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		return response.Header.Get("Location") != ""
	}
	return false
}
