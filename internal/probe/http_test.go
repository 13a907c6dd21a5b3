package probe_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// serving is a server which answers so until the test ends.
func serving(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func answering(t *testing.T, code int) string {
	t.Helper()
	return serving(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

func expecting(ranges ...v1alpha1.StatusRange) func(*v1alpha1.HTTPProbe) {
	return func(spec *v1alpha1.HTTPProbe) { spec.ExpectedStatuses = ranges }
}

func TestHTTPJudgesTheStatusCode(t *testing.T) {
	for _, row := range []struct {
		code     int
		expected []v1alpha1.StatusRange
		outcome  health.Outcome
		what     string
	}{
		{200, nil, health.Passed, "200 OK"},
		{204, nil, health.Passed, "204 No Content"},
		{299, nil, health.Passed, "299"},
		{304, nil, health.Failed, "304 Not Modified"},
		{404, nil, health.Failed, "404 Not Found"},
		{429, nil, health.Warned, "429 Too Many Requests"},
		{500, nil, health.Failed, "500 Internal Server Error"},
		{503, nil, health.Failed, "503 Service Unavailable"},
		{599, nil, health.Failed, "599"},
		{200, []v1alpha1.StatusRange{"404"}, health.Failed, "200 OK"},
		{404, []v1alpha1.StatusRange{"404"}, health.Passed, "404 Not Found"},
		{429, []v1alpha1.StatusRange{"429"}, health.Passed, "429 Too Many Requests"},
		{429, []v1alpha1.StatusRange{"400-499"}, health.Passed, "429 Too Many Requests"},
		{429, []v1alpha1.StatusRange{"200"}, health.Warned, "429 Too Many Requests"},
		{401, []v1alpha1.StatusRange{"200-299", "401"}, health.Passed, "401 Unauthorized"},
	} {
		url := answering(t, row.code)
		got := probed(t, onLoopback(t), httpCheck(url+"/healthz", expecting(row.expected...)))
		if got.Outcome != row.outcome || got.Message != "GET "+url+"/healthz: "+row.what {
			t.Errorf("%d with %v: %+v", row.code, row.expected, got)
		}
	}
}

func TestAnExpectedStatusThatIsNoneFailsAndSaysSo(t *testing.T) {
	for text, message := range map[v1alpha1.StatusRange]string{
		"abc":     `http: expectedStatuses: "abc" is neither a status code nor a range, such as 204 or 200-299`,
		"099":     `http: expectedStatuses: "099" is neither a status code nor a range, such as 204 or 200-299`,
		"299-200": `http: expectedStatuses: "299-200" ends before it begins`,
	} {
		expectFailure(t, probed(t, onLoopback(t), httpCheck(answering(t, 200), expecting(text))), message)
	}
}

func TestHTTPSendsWhatTheSpecSays(t *testing.T) {
	var got http.Request
	var body []byte
	url := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		got = *r
		body, _ = io.ReadAll(r.Body)
	})
	value := func(text string) *string { return &text }
	check := httpCheck(url+"/check?deep=1", func(spec *v1alpha1.HTTPProbe) {
		spec.Method = http.MethodPost
		spec.Body = `{"ping":true}`
		spec.Headers = []v1alpha1.HTTPHeader{
			{Name: "X-Probe", Value: value("1")}, {Name: "x-probe", Value: value("2")},
			{Name: "Host", Value: value("web.example")}, {Name: "User-Agent", Value: value("mine")},
		}
	})
	expectPass(t, probed(t, onLoopback(t), check), "POST "+url+"/check: 200 OK")
	if got.Method != http.MethodPost || got.RequestURI != "/check?deep=1" || string(body) != `{"ping":true}` {
		t.Errorf("%s %s %s was sent", got.Method, got.RequestURI, body)
	}
	if got.Host != "web.example" || got.UserAgent() != "mine" || strings.Join(got.Header["X-Probe"], ",") != "1,2" {
		t.Errorf("host %s, headers %v were sent", got.Host, got.Header)
	}
}

func TestHTTPSaysWhoAsks(t *testing.T) {
	agents := make(chan string, 1)
	url := serving(t, func(_ http.ResponseWriter, r *http.Request) { agents <- r.UserAgent() })
	probed(t, onLoopback(t), httpCheck(url))
	if agent := <-agents; agent != "aliascheck" {
		t.Errorf("the user agent is %q", agent)
	}
}

func TestHTTPIgnoresTheProxyOfTheEnvironment(t *testing.T) {
	proxied := false
	proxy := serving(t, func(http.ResponseWriter, *http.Request) { proxied = true })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy)
	}
	options := onLoopback(t)
	_, port := hostAndPort(t, strings.TrimPrefix(answering(t, 200), "http://"))
	options.Resolver = names{"web.shop": {addrs("127.0.0.1")}}
	expectPass(t, probed(t, options, httpCheck("http://web.shop:"+port)), "GET http://web.shop:"+port+": 200 OK")
	if proxied {
		t.Error("the request went through the proxy")
	}
}

func TestHTTPFollowsTenRedirectsAndNoMore(t *testing.T) {
	left := 0
	address := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if left--; left >= 0 {
			http.Redirect(w, r, "/next?token=hidden", http.StatusFound)
		}
	})
	left = 10
	expectPass(t, probed(t, onLoopback(t), httpCheck(address+"/")), "GET "+address+"/, redirected to "+address+": 200 OK")
	left = 11
	expectFailure(t, probed(t, onLoopback(t), httpCheck(address+"/")),
		"GET "+address+"/, redirected to "+address+": stopped after 10 redirects")
}

func TestHTTPJudgesTheRedirectWhereItIsNotFollowed(t *testing.T) {
	url := serving(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	follow := false
	check := httpCheck(url, func(spec *v1alpha1.HTTPProbe) { spec.FollowRedirects = &follow })
	expectFailure(t, probed(t, onLoopback(t), check), "GET "+url+": 302 Found")
}

func TestARedirectThatLeadsNowhereFails(t *testing.T) {
	for location, message := range map[string]string{
		"ftp://web.shop/":   ": the redirect leads to neither http nor https",
		"file:///etc/hosts": ": the redirect leads to neither http nor https",
		"http://%zz/":       ": the redirect has a Location that is no URL",
	} {
		address := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{location}
			w.WriteHeader(http.StatusFound)
		})
		got := probed(t, onLoopback(t), httpCheck(address))
		if got.Outcome != health.Failed || !strings.HasSuffix(got.Message, message) {
			t.Errorf("a redirect to %s: %+v", location, got)
		}
	}
}

func TestMessagesShowNoQueryAndNoCredentials(t *testing.T) {
	var self string
	self = serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		target, _ := url.Parse(self + "/end?sig=hidden")
		target.User = url.UserPassword("hidden", "hidden")
		w.Header().Set("Location", target.String())
		w.WriteHeader(http.StatusFound)
	})
	expectFailure(t, probed(t, onLoopback(t), httpCheck(self+"/start?token=hidden#hidden")),
		"GET "+self+"/start, redirected to "+self+": 418 I'm a teapot")
	expectFailure(t, probed(t, onLoopback(t), httpCheck("http://user:hidden@web.shop/")),
		"http: url must not contain credentials: send them with headers and valueFrom.secretKeyRef")
}

// What servers do wrong, and how it is told.
func TestHTTPFailuresNameThePhase(t *testing.T) {
	for name, row := range map[string]struct {
		serve   func(net.Conn)
		message string
	}{
		"silence": {hang, "timed out after 5s while waiting for the response"},
		"a close": {func(conn net.Conn) { readRequest(conn) },
			"the server closed the connection while waiting for the response"},
		"a reset": {func(conn net.Conn) { readRequest(conn); reset(conn) },
			"the server closed the connection while waiting for the response"},
		"another protocol": {answer("220 secret.shop ESMTP\r\n"), "the answer is not a valid HTTP response"},
		"a short body": {answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
			"200 OK, the server closed the connection while reading the body"},
		"a hanging body": {func(conn net.Conn) {
			answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")(conn)
			hang(conn)
		}, "200 OK, timed out after 5s while reading the body"},
		"broken chunks": {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n"),
			"200 OK, the body of the response is broken"},
		"a long header": {endless("HTTP/1.1 200 OK\r\n", strings.Repeat("X-Long: 0123456789\r\n", 100)),
			"the headers of the response exceed 64 KiB"},
		"a long status": {endless("HTTP/1.1 200 ", strings.Repeat("OK", 1000)),
			"the headers of the response exceed 64 KiB"},
		"a code of no kind": {answer("HTTP/1.1 999999 No\r\n\r\n"), "the answer is not a valid HTTP response"},
	} {
		t.Run(name, func(t *testing.T) {
			address := listening(t, row.serve)
			limit := 10 * time.Second
			if strings.Contains(row.message, "timed out") {
				limit = brokenWithin
			}
			expectFailure(t, probedWithin(t, limit, onLoopback(t), httpCheck("http://"+address+"/")),
				"GET http://"+address+"/: "+row.message)
		})
	}
}

func TestAnEndlessBodyIsLeftAfterItsBound(t *testing.T) {
	address := listening(t, endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("secret", 100)))
	expectPass(t, probed(t, onLoopback(t), httpCheck("http://"+address)), "GET http://"+address+": 200 OK")
}

func TestNoConnectionIsKeptBetweenProbes(t *testing.T) {
	var mu sync.Mutex
	open, opened := 0, 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			open, opened = open+1, opened+1
		case http.StateClosed:
			open--
		}
	}
	server.Start()
	defer server.Close()
	prober := probe.New(onLoopback(t))
	for range 5 {
		probedWith(t, prober, httpCheck(server.URL))
	}
	NewWithT(t).Eventually(func() [2]int {
		mu.Lock()
		defer mu.Unlock()
		return [2]int{open, opened}
	}, 10*time.Second).Should(Equal([2]int{0, 5}), "connections open, and opened")
}

func TestAURLThatNoCRDWouldLetPassFails(t *testing.T) {
	for _, text := range []string{"", "web.shop", "ftp://web.shop/", "http://", "http:///path", "http://[::1",
		"http://%zz/", "://", "http://a b/"} {
		expectFailure(t, probed(t, onLoopback(t), httpCheck(text)),
			"http: url must be an absolute http or https URL, such as http://web.shop:8080/healthz")
	}
}

func TestAMethodOrHeaderThatNoCRDWouldLetPassFails(t *testing.T) {
	url := answering(t, 200)
	expectResult(t, probed(t, onLoopback(t), httpCheck(url, func(spec *v1alpha1.HTTPProbe) { spec.Method = "GE T" })), health.Failed, v1alpha1.ReasonMethodDenied,
		"GE T "+url+": the manager sends GET, HEAD, OPTIONS, POST, PUT, PATCH and DELETE only: its --probe-methods says which")
	value := "a\r\nX-Smuggled: 1"
	expectFailure(t, probed(t, onLoopback(t), httpCheck(url, func(spec *v1alpha1.HTTPProbe) {
		spec.Headers = []v1alpha1.HTTPHeader{{Name: "X-Probe", Value: &value}}
	})), "GET "+url+`: header "X-Probe": its name or value is not valid in HTTP`)
}

func readRequest(conn net.Conn) {
	buffer := make([]byte, 4096)
	_, _ = conn.Read(buffer)
}

// answer reads one request and writes a text.
func answer(text string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, text)
	}
}

// endless reads one request, and then writes for as long as anyone reads.
func endless(first, again string) func(net.Conn) {
	return func(conn net.Conn) {
		answer(first)(conn)
		for {
			if _, err := fmt.Fprint(conn, again); err != nil {
				return
			}
		}
	}
}
