package probe

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

const (
	// probeBuffer is enough for what probes mostly send and get. The default of net/http, 4 KiB for each direction of
	// each new connection, was a fifth of all that the manager allocated.
	probeBuffer = 1 << 10
	// maxResponseHeader bounds the header of a response.
	maxResponseHeader = 64 << 10
)

// transports serve one probe, one for each scheme: a redirect may lead from one to the other. What TLS and HTTP/2 need is made
// only where they are spoken.
type transports struct {
	// make makes a transport that speaks no protocol yet.
	make          func() *http.Transport
	config        *tls.Config
	h2c           bool
	plain, secure *http.Transport
}

// RoundTrip implements http.RoundTripper. A client calls it for one request after the other.
func (t *transports) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme == "https" {
		return t.overTLS().RoundTrip(request)
	}
	return t.overTCP().RoundTrip(request)
}

func (t *transports) overTLS() *http.Transport {
	if t.secure == nil {
		t.secure = t.make()
		t.secure.TLSClientConfig = t.config
		t.secure.Protocols.SetHTTP1(!t.h2c)
		t.secure.Protocols.SetHTTP2(true)
	}
	return t.secure
}

func (t *transports) overTCP() *http.Transport {
	if t.plain == nil {
		t.plain = t.make()
		t.plain.Protocols.SetHTTP1(!t.h2c)
		t.plain.Protocols.SetUnencryptedHTTP2(t.h2c)
	}
	return t.plain
}

// CloseIdleConnections ends what HTTP/2 keeps.
func (t *transports) CloseIdleConnections() {
	for _, transport := range []*http.Transport{t.plain, t.secure} {
		if transport != nil {
			transport.CloseIdleConnections()
		}
	}
}

// transport serves one probe. A connection that is kept would hide a changed name, a closed port and a
// rotated certificate, and cost a file descriptor per check. There is no Proxy: the environment is the
// manager's and not the check's.
func (c *httpCall) transport(request *http.Request, d dialer) *http.Transport {
	ctx := request.Context()
	return &http.Transport{
		Protocols: &http.Protocols{},
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			c.attempt.http2.Store(false)
			conn, err := d.dial(ctx, c.attempt, network, address)
			if err != nil {
				return nil, err
			}
			if c.isH2C() { // the beginning of HTTP/2 is sent before there is a request to have a connection
				c.attempt.enter(awaiting)
			}
			return listenLater(conn, c.attempt.heard), nil
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
		ReadBufferSize:         probeBuffer,
		// The request goes out in one write: with two, a server that answers without reading it all would show by its answer at
		// one time, and by the failure of the second write at another.
		WriteBufferSize: probeBuffer + int(request.ContentLength),
	}
}
