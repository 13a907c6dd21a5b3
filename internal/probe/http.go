package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe/expect"
)

// maxBody of a response is read: the server may finish a small answer, and an endless one ends.
const maxBody = 64 << 10

// http judges the status code of a response and, where that passes, what the spec expects of it.
func (p *Probes) http(ctx context.Context, check *v1alpha1.HealthCheck) Result {
	spec := check.Spec.HTTP
	a := newAttempt(check, spec.URL)
	defer p.certificates(check, a)
	call, err := p.httpCall(a, spec)
	if invalid, ok := errors.AsType[*expect.InvalidError](err); ok {
		return failedFor(v1alpha1.ReasonInvalidExpression, invalid.Error())
	}
	if err != nil {
		return failed("http: " + err.Error())
	}
	a.retitled(method(spec) + " " + shown(call.url))
	if err := p.allowed(spec); err != nil {
		return a.failed(err)
	}

	references := p.referencesOf(check)
	request, err := newRequest(ctx, a, spec, call.url, references)
	if err != nil {
		return a.failed(err)
	}
	config, err := tlsConfig(ctx, a, spec.TLS, references)
	if err != nil {
		return a.failed(err)
	}
	response, err := call.exchange(request, p.dialer, config)
	if err != nil {
		return a.failed(err)
	}
	return p.expiring(a, spec.TLS, call.judged(ctx, response))
}

// httpCall is one request, and what is expected of its response.
type httpCall struct {
	attempt  *attempt
	spec     *v1alpha1.HTTPProbe
	url      *url.URL
	statuses statusRanges
	expected expect.Set
}

func (p *Probes) httpCall(a *attempt, spec *v1alpha1.HTTPProbe) (*httpCall, error) {
	statuses, err := parseStatusRanges(spec.ExpectedStatuses)
	if err != nil {
		return nil, err
	}
	target, err := parseURL(spec.URL)
	if err != nil {
		return nil, err
	}
	expected, err := p.expressions.Compile(spec.Expect)
	if err != nil {
		return nil, err
	}
	return &httpCall{attempt: a, spec: spec, url: target, statuses: statuses, expected: expected}, nil
}

// httpResponse is what is left of a response when the probe has read it.
type httpResponse struct {
	code   int
	header http.Header
	// body is empty where nobody looks at it.
	body []byte
	// broken is why the body did not end.
	broken error
}

func (c *httpCall) exchange(request *http.Request, d dialer, config *tls.Config) (httpResponse, error) {
	transports := &transports{
		make:   func() *http.Transport { return c.transport(request, d) },
		config: config, h2c: c.isH2C(),
	}
	defer transports.CloseIdleConnections()
	defer c.attempt.hangUp()
	client := http.Client{Transport: transports, CheckRedirect: redirects(c.attempt, c.spec)}
	if follows(c.spec) {
		client.Transport = bodiless{transports}
		client.Jar = newJar()
	}
	response, err := client.Do(request)
	if err != nil {
		return httpResponse{}, c.told(plainHTTP(err))
	}
	defer response.Body.Close()
	got := httpResponse{code: response.StatusCode, header: response.Header}
	if response.StatusCode != http.StatusSwitchingProtocols {
		// What follows such an answer is no body but the connection itself, and reading that would not end with the context.
		c.attempt.enter(reading)
		got.body, got.broken = c.read(response.Body)
	}
	return got, nil
}

// read keeps the body only where an expression may look at it.
func (c *httpCall) read(body io.Reader) ([]byte, error) {
	if len(c.expected) > 0 {
		return io.ReadAll(io.LimitReader(body, maxBody))
	}
	_, err := io.CopyN(io.Discard, body, maxBody)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return nil, err
}

// newJar keeps the cookies of one probe: some servers set one, and redirect until it comes back.
func newJar() http.CookieJar {
	jar, _ := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // its error is always nil
	return jar
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
	case strings.Contains(text, "no Host in request URL"):
		return plainError("the redirect has a Location without a host")
	case strings.Contains(text, "readLoopPeekFailLocked: %!w(<nil>)"): // it spoke before it was asked
		return plainError(notHTTP)
	case strings.Contains(text, "server closed idle connection"):
		return io.EOF
	}
	return err
}

// judged is the result for a response. A status that fails decides even if the body does not end; one that passes needs the
// end of the body too.
func (c *httpCall) judged(ctx context.Context, got httpResponse) Result {
	status := strings.TrimSpace(fmt.Sprintf("%d %s", got.code, http.StatusText(got.code)))
	if got.broken != nil {
		status += ", " + c.attempt.words(got.broken, reading)
	}
	what := c.attempt.says(status)
	switch {
	case got.broken != nil:
		return failed(what)
	case c.statuses.contain(got.code):
		return c.fulfilled(ctx, status, got)
	case got.code == http.StatusTooManyRequests:
		return warned(what)
	default:
		return failed(what)
	}
}

// fulfilled is the result for a response whose status passes: the worst of what does not hold decides.
func (c *httpCall) fulfilled(ctx context.Context, status string, got httpResponse) Result {
	findings := c.expected.Judge(ctx, expect.Response{
		Code: got.code, Header: got.header, Body: got.body, Cut: len(got.body) == maxBody,
	})
	state, messages := worst(findings)
	switch state {
	case v1alpha1.StatePassing:
		return passed(c.attempt.says(status))
	case v1alpha1.StateWarning:
		return warned(c.attempt.says(status + ", but " + messages))
	default:
		return failed(c.attempt.says(status + ", but " + messages))
	}
}

// maxFindings of the worst state are shown.
const maxFindings = 3

// worst are the findings that decide, in words.
func worst(findings []expect.Finding) (v1alpha1.State, string) {
	state := v1alpha1.StatePassing
	var messages []string
	for _, finding := range findings {
		if finding.State != state && state != v1alpha1.StateCritical {
			state, messages = finding.State, nil
		}
		if finding.State == state {
			messages = append(messages, finding.Message)
		}
	}
	more := len(messages) - maxFindings
	if more > 0 {
		messages = append(messages[:maxFindings], fmt.Sprintf("and %d more", more))
	}
	return state, strings.Join(messages, "; ")
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
	ctx context.Context, a *attempt, spec *v1alpha1.HTTPProbe, target *url.URL, references referenceReader,
) (*http.Request, error) {
	request, err := http.NewRequestWithContext(traced(ctx, a), method(spec), target.String(), strings.NewReader(spec.Body))
	if err != nil {
		return nil, plainError("the request cannot be made: see method and url")
	}
	return request, addHeaders(ctx, request, spec, references)
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
