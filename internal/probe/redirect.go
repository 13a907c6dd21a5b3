package probe

import (
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxRedirects are followed.
const maxRedirects = 10

type redirectPolicy func(request *http.Request, via []*http.Request) error

// redirects is what a spec wants done with a redirect. Where it is followed, the dialer judges the new
// address as it did the first. Values of Secrets, a Host header and the client certificate stay with the origin that
// they were meant for; an origin which was led to cannot have them sent back there either.
func redirects(a *attempt, spec *v1alpha1.HTTPProbe) redirectPolicy {
	if spec.FollowRedirects != nil && !*spec.FollowRedirects {
		return func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	subject, _ := a.now()
	secret := secretHeaders(spec)
	return func(request *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return plainError("stopped after 10 redirects")
		}
		a.retitled(subject + ", redirected to " + origin(request.URL))
		request.Header.Del("Referer") // it has the query of the last URL
		if strayed(request, via) {
			a.originLeft.Store(true)
			request.Host = "" // net/http keeps it where a Location has no scheme, as //another.host/ has none
			for _, name := range secret {
				request.Header.Del(name)
			}
		}
		return nil
	}
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

func secretHeaders(spec *v1alpha1.HTTPProbe) []string {
	var names []string
	for _, header := range spec.Headers {
		if header.ValueFrom != nil {
			names = append(names, textproto.CanonicalMIMEHeaderKey(header.Name))
		}
	}
	return names
}

// strayed tells whether the redirects have left the first origin, though they may have come back.
func strayed(request *http.Request, via []*http.Request) bool {
	elsewhere := func(r *http.Request) bool { return !sameOrigin(r, via[0]) }
	return elsewhere(request) || slices.ContainsFunc(via, elsewhere)
}

func sameOrigin(a, b *http.Request) bool {
	return a.URL.Scheme == b.URL.Scheme && a.URL.Host == b.URL.Host
}
