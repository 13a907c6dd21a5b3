package probe

import (
	"net/http"
	"net/url"
)

// SameOrigin is what redirects compare.
func SameOrigin(a, b *url.URL) bool { return sameOrigin(&http.Request{URL: a}, &http.Request{URL: b}) }
