package probe

import (
	"net/http"
	"net/textproto"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxRedirects are followed.
const maxRedirects = 10

type redirectPolicy func(request *http.Request, via []*http.Request) error

// redirects is what a spec wants done with a redirect. Where it is followed, the dialer judges the new
// address as it did the first. Values of Secrets stay with the origin that they were meant for.
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
		if !sameOrigin(request, via[0]) {
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

func sameOrigin(a, b *http.Request) bool {
	return a.URL.Scheme == b.URL.Scheme && a.URL.Host == b.URL.Host
}
