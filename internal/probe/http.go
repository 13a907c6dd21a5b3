package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const (
	// maxBody of a response is read: the server may finish a small answer, and an endless one ends.
	maxBody = 64 << 10
	// probeBuffer is enough for what probes mostly send and get. The default of net/http, 4 KiB for each direction of
	// each new connection, was a fifth of all that the manager allocated.
	probeBuffer = 1 << 10
	// maxResponseHeader bounds the header of a response.
	maxResponseHeader = 64 << 10
)

// http judges the status code of a response.
func (p *Probes) http(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	spec := check.Spec.HTTP
	a := newAttempt(check, spec.URL)
	expected, err := parseStatusRanges(spec.ExpectedStatuses)
	if err != nil {
		return failed("http: " + err.Error())
	}
	target, err := parseURL(spec.URL)
	if err != nil {
		return failed("http: " + err.Error())
	}
	a.retitled(method(spec) + " " + shown(target))

	secrets := p.secretsOf(check)
	request, err := newRequest(ctx, a, spec, target, secrets)
	if err != nil {
		return a.failed(err)
	}
	config, err := tlsConfig(ctx, a, spec.TLS, secrets)
	if err != nil {
		return a.failed(err)
	}
	return p.exchange(a, request, config, redirects(a, spec), expected)
}

func (p *Probes) exchange(
	a *attempt, request *http.Request, config *tls.Config, follow redirectPolicy, expected statusRanges,
) Result {
	transport := p.transport(request.Context(), a, config)
	// The request goes out in one write: a server that answers without reading it all would else be told by the answer or
	// by the second write's failure, as it happens.
	transport.WriteBufferSize += int(request.ContentLength)
	defer transport.CloseIdleConnections()
	defer a.hangUp()
	client := http.Client{Transport: transport, CheckRedirect: follow}
	response, err := client.Do(request)
	if err != nil {
		return a.failed(plainHTTP(err))
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		// What follows is no body but the connection itself, and reading that would not end with the context.
		return judged(a, response.StatusCode, expected)
	}
	a.enter(reading)
	if _, err := io.CopyN(io.Discard, response.Body, maxBody); err != nil && !errors.Is(err, io.EOF) {
		return a.failed(err)
	}
	return judged(a, response.StatusCode, expected)
}

// transport serves one probe. A connection that is kept would hide a changed name, a closed port and a
// rotated certificate, and cost a file descriptor per check. There is no Proxy: the environment is the
// manager's and not the check's.
func (p *Probes) transport(ctx context.Context, a *attempt, config *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			a.http2.Store(false)
			conn, err := p.dialer.dial(ctx, a, network, address)
			if err != nil {
				return nil, err
			}
			return listenLater(conn), nil
		},
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
		ReadBufferSize:         probeBuffer,
		WriteBufferSize:        probeBuffer,
	}
}

// plainHTTP takes off what net/http puts round an error, and knows those errors of it that have no type.
func plainHTTP(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "server response headers exceeded"):
		return plainError(fmt.Sprintf("the headers of the response exceed %d KiB", maxResponseHeader>>10))
	case strings.Contains(text, "unsupported protocol scheme"):
		return plainError("the redirect leads to neither http nor https")
	case strings.Contains(text, "failed to parse Location header"):
		return plainError("the redirect has a Location that is no URL")
	case strings.Contains(text, "readLoopPeekFailLocked: %!w(<nil>)"): // it spoke before it was asked
		return plainError(notHTTP)
	case strings.Contains(text, "server closed idle connection"):
		return io.EOF
	}
	return err
}

func judged(a *attempt, code int, expected statusRanges) Result {
	what := a.says(strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code))))
	switch {
	case expected.contain(code):
		return passed(what)
	case code == http.StatusTooManyRequests:
		return warned(what)
	default:
		return failed(what)
	}
}

func method(spec *v1alpha1.HTTPProbe) string {
	if spec.Method == "" {
		return http.MethodGet
	}
	return spec.Method
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, plainError("url must be an absolute http or https URL, such as http://web.shop:8080/healthz")
	case u.User != nil:
		return nil, plainError("url must not contain credentials: send them with headers and valueFrom.secretKeyRef")
	}
	return u, nil
}

// shown is a URL as messages have it: without the query, which may carry a secret.
func shown(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

func newRequest(
	ctx context.Context, a *attempt, spec *v1alpha1.HTTPProbe, target *url.URL, secrets secretReader,
) (*http.Request, error) {
	request, err := http.NewRequestWithContext(traced(ctx, a), method(spec), target.String(), strings.NewReader(spec.Body))
	if err != nil {
		return nil, plainError("the request cannot be made: see method and url")
	}
	request.Header.Set("User-Agent", "aliascheck")
	return request, addHeaders(ctx, request, spec.Headers, secrets)
}

// addHeaders sets the headers of the spec; the first of a name replaces a default, such as User-Agent.
func addHeaders(ctx context.Context, request *http.Request, headers []v1alpha1.HTTPHeader, secrets secretReader) error {
	request.Header = request.Header.Clone()
	given := http.Header{}
	for _, header := range headers {
		value, err := headerValue(ctx, header, secrets)
		if err != nil {
			return err
		}
		if !httpguts.ValidHeaderFieldName(header.Name) || !httpguts.ValidHeaderFieldValue(value) {
			return plainError(fmt.Sprintf("header %.64q: its name or value is not valid in HTTP", header.Name))
		}
		given.Add(header.Name, value)
	}
	if host := given.Get("Host"); host != "" {
		request.Host = host
	}
	for name, values := range given {
		request.Header[name] = values
	}
	return nil
}

// headerValue is a value of the spec or of a Secret. The line break that files and echo end with is no part of it.
func headerValue(ctx context.Context, header v1alpha1.HTTPHeader, secrets secretReader) (string, error) {
	switch {
	case header.ValueFrom != nil:
		value, err := secrets.key(ctx, header.ValueFrom.SecretKeyRef)
		return strings.TrimRight(string(value), "\r\n"), err
	case header.Value != nil:
		return *header.Value, nil
	default:
		return "", nil
	}
}

// traced follows the phases of a request that the dialer does not see.
func traced(ctx context.Context, a *attempt) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { a.enter(handshaking) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			a.http2.Store(state.NegotiatedProtocol == "h2")
			if err == nil { // the beginning of HTTP/2 is sent before there is a request to have a connection
				a.enter(awaiting)
			}
		},
		// To send and to wait are one phase: a server that hangs up may be noticed at either.
		GotConn: func(httptrace.GotConnInfo) { a.enter(awaiting) },
	})
}
