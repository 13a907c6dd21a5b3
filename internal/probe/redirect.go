package probe

import (
	"net/http"
	"net/textproto"
	"slices"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxRedirects are followed.
const maxRedirects = 10

type redirectPolicy func(request *http.Request, via []*http.Request) error

// redirects is what a spec wants done with a redirect. Where it is followed, the dialer judges the new
// address as it did the first. Values of Secrets, and the client certificate, stay with the origin that they were
// meant for; an origin which was led to cannot have them sent back there either.
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
		a.retitled(subject + ", redirected to " + request.URL.Scheme + "://" + request.URL.Host)
		request.Header.Del("Referer") // it has the query of the last URL
		if strayed(request, via) {
			a.leftOrigin()
			for _, name := range secret {
				request.Header.Del(name)
			}
		}
		return nil
	}
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
