package probe_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// lines is a server that passes on the lines of each request's header, and then answers 200.
func lines(t *testing.T) (url string, received <-chan []string) {
	t.Helper()
	all := make(chan []string, 10)
	return "http://" + listening(t, func(conn net.Conn) {
		var header []string
		scanner := bufio.NewScanner(conn)
		for scanner.Scan() && scanner.Text() != "" {
			header = append(header, scanner.Text())
		}
		all <- header
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}), all
}

func withHeaders(pairs ...string) func(*v1alpha1.HTTPProbe) {
	return func(spec *v1alpha1.HTTPProbe) {
		for i := 0; i < len(pairs); i += 2 {
			spec.Headers = append(spec.Headers, v1alpha1.HTTPHeader{Name: pairs[i], Value: &pairs[i+1]})
		}
	}
}

func TestNamesOfHeadersAreSentAsTheyAreWritten(t *testing.T) {
	target, received := lines(t)
	check := httpCheck(target+"/", withHeaders("authId", "demo", "x-PROBE", "1", "X-Probe", "2", "X-A", "  spaced ",
		"host", "one.example", "user-agent", "mine"))
	expectPass(t, probed(t, onLoopback(t), check), "GET "+target+"/: 200 OK")
	got := <-received
	for _, line := range []string{"Host: one.example", "authId: demo", "x-PROBE: 1", "X-Probe: 2", "X-A: spaced", "user-agent: mine"} {
		if !slices.Contains(got, line) {
			t.Errorf("%q was not sent, but %q", line, got)
		}
	}
	if slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "User-Agent:") }) {
		t.Errorf("a second user agent was sent: %q", got)
	}
}

// They are refused by the CRD. A check that is older than that goes on as it did.
func TestHeadersOfTheConnectionAreNotSent(t *testing.T) {
	target, received := lines(t)
	check := httpCheck(target, withHeaders("Connection", "keep-alive", "content-length", "7", "Transfer-Encoding", "chunked"))
	expectPass(t, probed(t, onLoopback(t), check), "GET "+target+": 200 OK")
	for _, line := range <-received {
		if slices.Contains([]string{"Connection: keep-alive", "content-length: 7", "Transfer-Encoding: chunked"}, line) {
			t.Errorf("%q was sent", line)
		}
	}
}

func TestCredentialsOfSecretsAreSentAsTheHeaderAuthorization(t *testing.T) {
	target := serving(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer t0k3n" && user+" "+password != "web s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	options := onLoopback(t)
	options.Secrets = secrets{"web": {"username": []byte("web"), "password": []byte("s3cret\n"), "token": []byte("t0k3n\n")}, "half": {"username": []byte("web")}}
	basic := func(secret string) *v1alpha1.HealthCheck {
		return httpCheck(target, func(spec *v1alpha1.HTTPProbe) {
			spec.BasicAuth = &v1alpha1.BasicAuth{SecretRef: v1alpha1.SecretReference{Name: secret}}
		})
	}
	bearer := httpCheck(target, func(spec *v1alpha1.HTTPProbe) {
		spec.BearerToken = &v1alpha1.BearerToken{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "web", Key: "token"}}
	})
	expectPass(t, probed(t, options, basic("web")), "GET "+target+": 200 OK")
	expectPass(t, probed(t, options, bearer), "GET "+target+": 200 OK")
	expectResult(t, probed(t, options, basic("half")), health.Failed, v1alpha1.ReasonSecretNotFound,
		"GET "+target+": Secret half has no key password")
	expectResult(t, probed(t, options, basic("absent")), health.Failed, v1alpha1.ReasonSecretNotFound,
		"GET "+target+": Secret absent does not exist")
}

// guarded answers 200 to who has the token and the cookie, if there must be one, and redirects from / to where it is told.
func guarded(t *testing.T, location func(self string) string) string {
	t.Helper()
	var self string
	self = serving(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			w.Header().Set("Location", location(self))
			w.WriteHeader(http.StatusFound)
		case r.Header.Get("Authorization") != "Bearer t0k3n":
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	return self
}

func TestARedirectToTheSameOriginKeepsItsHeadersWhateverItsSpelling(t *testing.T) {
	options := onLoopback(t)
	options.Secrets = secrets{"web": {"token": []byte("Bearer t0k3n")}}
	options.Resolver = names{"web.shop": {addrs("127.0.0.1")}, "WEB.SHOP": {addrs("127.0.0.1")}}
	for name, header := range map[string]func(*v1alpha1.HTTPProbe){
		"of a Secret": secretHeader("Authorization", "web", "token"),
		"plain":       withHeaders("Authorization", "Bearer t0k3n"),
		"lower case":  withHeaders("authorization", "Bearer t0k3n"),
	} {
		t.Run(name, func(t *testing.T) {
			target := guarded(t, func(self string) string {
				return strings.Replace(self, "127.0.0.1", "WEB.SHOP", 1) + "/health"
			})
			target = strings.Replace(target, "127.0.0.1", "web.shop", 1)
			got := probed(t, options, httpCheck(target+"/", header))
			expectPass(t, got, "GET "+target+"/, redirected to "+strings.Replace(target, "web.shop", "WEB.SHOP", 1)+": 200 OK")
		})
	}
}

func TestTheDefaultPortIsTheSameWrittenOrNot(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"http://web.shop", "http://web.shop:80", true},
		{"https://web.shop:443", "https://WEB.shop/", true},
		{"http://[::1]:80", "http://[0:0::1]", true},
		{"http://web.shop:443", "https://web.shop:443", false},
		{"http://web.shop", "https://web.shop", false},
		{"http://web.shop:8080", "http://web.shop", false},
		{"http://web.shop", "http://www.web.shop", false},
	} {
		a, errA := url.Parse(row.a)
		b, errB := url.Parse(row.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if probe.SameOrigin(a, b) != row.same {
			t.Errorf("%s and %s: same is %t", row.a, row.b, !row.same)
		}
	}
}

func TestWhatARedirectHeldBackIsTold(t *testing.T) {
	options := onLoopback(t)
	options.Secrets = secrets{"web": {"token": []byte("Bearer t0k3n")}}
	elsewhere := guarded(t, func(self string) string { return self })
	target := guarded(t, func(string) string { return elsewhere + "/health" })
	expectFailure(t, probed(t, options, httpCheck(target+"/", secretHeader("authorization", "web", "token"))),
		"GET "+target+"/, redirected to "+elsewhere+" without the header authorization: 401 Unauthorized")
	expectFailure(t, probed(t, options, httpCheck(target+"/", secretHeader("Authorization", "web", "token"),
		withHeaders("Host", "web.example"))),
		"GET "+target+"/, redirected to "+elsewhere+" without the header Authorization and the header Host: 401 Unauthorized")
	expectFailure(t, probed(t, options, httpCheck(target+"/", func(spec *v1alpha1.HTTPProbe) {
		spec.BearerToken = &v1alpha1.BearerToken{SecretKeyRef: v1alpha1.SecretKeyReference{Name: "web", Key: "token"}}
	})), "GET "+target+"/, redirected to "+elsewhere+" without the header Authorization: 401 Unauthorized")
}

func TestCookiesAreKeptWithinOneProbe(t *testing.T) {
	target := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("seen"); err != nil {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}
	})
	for range 2 { // the second begins without one
		expectPass(t, probed(t, onLoopback(t), httpCheck(target+"/")), "GET "+target+"/, redirected to "+target+": 200 OK")
	}
}

func TestAStatusThatDecidesIsToldThoughTheBodyDoesNotEnd(t *testing.T) {
	endless := func(header string) string {
		return "http://" + listening(t, func(conn net.Conn) {
			answer(header + "\r\nTransfer-Encoding: chunked\r\n\r\n")(conn)
			hang(conn)
		})
	}
	failing, passing := endless("HTTP/1.1 503 Service Unavailable"), endless("HTTP/1.1 200 OK")
	expectFailure(t, probedWithin(t, brokenWithin, onLoopback(t), httpCheck(failing)),
		"GET "+failing+": 503 Service Unavailable, timed out after 5s while reading the body")
	expectFailure(t, probedWithin(t, brokenWithin, onLoopback(t), httpCheck(passing)),
		"GET "+passing+": 200 OK, timed out after 5s while reading the body")
}

func TestTheBodyOfARedirectIsNotWaitedFor(t *testing.T) {
	redirect := "HTTP/1.1 302 Found\r\nLocation: /ok\r\nTransfer-Encoding: chunked\r\n\r\n"
	target := "http://" + listening(t, func(conn net.Conn) {
		buffer := make([]byte, 4096)
		n, _ := conn.Read(buffer)
		if strings.HasPrefix(string(buffer[:n]), "GET /ok ") {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(conn, redirect)
		hang(conn)
	})
	expectPass(t, probed(t, onLoopback(t), httpCheck(target+"/")), "GET "+target+"/, redirected to "+target+": 200 OK")
}

func speaksH2C(spec *v1alpha1.HTTPProbe) { spec.Protocol = v1alpha1.ProtocolH2C }

func TestHTTP2IsSpokenWithoutTLSWhereTheSpecSaysSo(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		}
	}))
	server.Config.Protocols = &http.Protocols{}
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	expectPass(t, probed(t, onLoopback(t), httpCheck(server.URL, speaksH2C)), "GET "+server.URL+": 200 OK")
}

func TestAServerOfAnotherProtocolIsToldAsThat(t *testing.T) {
	settings := "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
	plain := answering(t, 200)
	for name, row := range map[string]struct {
		url     string
		option  func(*v1alpha1.HTTPProbe)
		message string
	}{
		"HTTP/2 at once": {"http://" + listening(t, func(conn net.Conn) { _, _ = io.WriteString(conn, settings); hang(conn) }),
			func(*v1alpha1.HTTPProbe) {}, "the server speaks HTTP/2 without TLS: set protocol to h2c"},
		"HTTP/2 when it is asked": {"http://" + listening(t, answer(settings)),
			func(*v1alpha1.HTTPProbe) {}, "the server speaks HTTP/2 without TLS: set protocol to h2c"},
		"TLS": {"http://" + listening(t, answer("\x15\x03\x01\x00\x02\x02\x46")),
			func(*v1alpha1.HTTPProbe) {}, "the server speaks TLS: begin url with https://"},
		"HTTP/1.1": {plain, speaksH2C, "the server closed the connection, or does not speak HTTP/2 without TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			got := probedWithin(t, time.Second, onLoopback(t), httpCheck(row.url, row.option))
			expectFailure(t, got, "GET "+row.url+": "+row.message)
		})
	}
}

func TestAHostWithoutADotIsAServiceOfTheChecksNamespace(t *testing.T) {
	_, port := hostAndPort(t, listening(t, hang))
	options := onLoopback(t)
	options.Resolver = names{
		"db.shop.svc": {addrs("127.0.0.1")}, "localhost": {addrs("127.0.0.1")},
		"db":      {addrs("169.254.169.254")}, // in the manager's own namespace
		"db.shop": {addrs("169.254.169.254")}, // at last, in the internet
	}
	expectPass(t, probed(t, options, tcpCheck("db:"+port)), "dial tcp db:"+port+": connected")
	expectPass(t, probed(t, options, tcpCheck("localhost:"+port)), "dial tcp localhost:"+port+": connected")
	expectFailure(t, probed(t, options, tcpCheck("absent:"+port)), "dial tcp absent:"+port+": no such host: absent.shop")
	expectFailure(t, probed(t, options, tcpCheck("absent.shop:"+port)), "dial tcp absent.shop:"+port+": no such host")
}
