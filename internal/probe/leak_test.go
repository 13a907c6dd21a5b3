package probe_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// misbehaving are servers, by what they do wrong.
func misbehaving(t *testing.T) map[string]string {
	t.Helper()
	certificate := newAuthority(t).server(nil)
	inTLS := func(serve func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			secure := tls.Server(conn, certificate)
			defer secure.Close()
			serve(secure)
		}
	}
	return map[string]string{
		"hangs":               listening(t, hang),
		"resets":              listening(t, reset),
		"resets after asking": listening(t, func(conn net.Conn) { readRequest(conn); reset(conn) }),
		"drips headers":       listening(t, dripping("HTTP/1.1 200 OK\r\n", "X-Drip: 1\r\n")),
		"drips a body":        listening(t, dripping("HTTP/1.1 200 OK\r\n\r\n", "drip")),
		"endless headers":     listening(t, endless("HTTP/1.1 200 OK\r\n", strings.Repeat("X-Long: 1\r\n", 100))),
		"endless body":        listening(t, endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("long", 1000))),
		"endless redirects":   listening(t, answer("HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n")),
		"garbage":             listening(t, endless("\x00\x01", "\xff\xfe\xfd")),
		"hangs in TLS":        listening(t, inTLS(hang)),
		"breaks off in TLS":   listening(t, inTLS(func(conn net.Conn) { readRequest(conn) })),
		"speaks gRPC":         servingGRPC(t, shopHealth()),
		"nothing":             closedPort(t),
	}
}

// dripping reads one request, and then writes a little at a time for as long as anyone reads.
func dripping(first, drop string) func(net.Conn) {
	return func(conn net.Conn) {
		answer(first)(conn)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for range ticker.C {
			if _, err := io.WriteString(conn, drop); err != nil {
				return
			}
		}
	}
}

// ofEveryType are checks of one address.
func ofEveryType(address string) []*v1alpha1.HealthCheck {
	secure, tcp := grpcCheck(address, ""), tcpCheck(address)
	secure.Spec.GRPC.TLS = &v1alpha1.TLSConfig{InsecureSkipVerify: true}
	tcp.Spec.TCP.TLS = secure.Spec.GRPC.TLS
	return []*v1alpha1.HealthCheck{
		httpCheck("http://" + address + "/"),
		httpCheck("https://" + address + "/"),
		httpCheck("https://"+address+"/", withTLS(v1alpha1.TLSConfig{InsecureSkipVerify: true})),
		httpCheck("http://"+address+"/", func(spec *v1alpha1.HTTPProbe) {
			spec.Method, spec.Body = http.MethodPost, strings.Repeat("body", 4000)
		}),
		tcpCheck(address),
		grpcCheck(address, ""),
		secure,
		tcp,
		httpCheck("http://"+address+"/", speaksH2C),
		httpCheck("http://"+address+"/", expectations(v1alpha1.Expectation{That: "response.json.ok"})),
		dnsCheck(address, "A", "web.example.com"),
		udpCheck(address, "ping"),
	}
}

// endlessJobs are Jobs that never end, and whose watches last as long as the probe.
type endlessJobs struct{}

func (endlessJobs) CronJob(context.Context, string, string) (*batchv1.CronJob, error) {
	return &batchv1.CronJob{}, nil
}

func (endlessJobs) JobsOf(context.Context, string, map[string]string) ([]batchv1.Job, string, error) {
	return nil, "1", nil
}

func (endlessJobs) WatchJobsOf(ctx context.Context, _ string, _ map[string]string, _ string) (watch.Interface, error) {
	events := watch.NewRaceFreeFake()
	context.AfterFunc(ctx, events.Stop)
	return events, nil
}

func (endlessJobs) Create(_ context.Context, job *batchv1.Job) (*batchv1.Job, error) { return job, nil }

func (endlessJobs) Delete(context.Context, *batchv1.Job) error { return nil }

func (endlessJobs) PodsOf(context.Context, *batchv1.Job) ([]corev1.Pod, error) { return nil, nil }

func openFiles() (int, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	return len(entries), err
}

func TestTenThousandProbesLeaveNothingBehind(t *testing.T) {
	g := NewWithT(t)
	options := onLoopback(t)
	options.Leases, options.Jobs = renewed(0, "", ""), endlessJobs{}
	prober := probe.New(options)
	heartbeat := v1alpha1.HealthCheckSpec{Heartbeat: &v1alpha1.HeartbeatProbe{LeaseName: "worker"}}
	job := v1alpha1.HealthCheckSpec{Job: &v1alpha1.JobProbe{CronJobRef: v1alpha1.CronJobReference{Name: "smoke"}}}
	checks := []*v1alpha1.HealthCheck{checkOf(heartbeat), checkOf(job)}
	for _, address := range misbehaving(t) {
		checks = append(checks, ofEveryType(address)...)
	}
	for _, check := range checks { // what is made once, at first use, is no leak
		probedWith(t, prober, check)
	}
	files, err := openFiles()
	g.Expect(err).NotTo(HaveOccurred())
	goroutines := runtime.NumGoroutine()

	probeMany(t, prober, checks, 10_000, 200)

	g.Eventually(openFiles, time.Minute).Should(BeNumerically("<=", files), "open files")
	g.Eventually(runtime.NumGoroutine, time.Minute).Should(BeNumerically("<=", goroutines), "goroutines")
}

// probeMany probes the checks in turn, so many times in total, so many at once.
func probeMany(t *testing.T, prober probe.Prober, checks []*v1alpha1.HealthCheck, total, atOnce int) {
	t.Helper()
	var workers sync.WaitGroup
	work := make(chan *v1alpha1.HealthCheck)
	for range atOnce {
		workers.Go(func() {
			for check := range work {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				if result := prober.Probe(ctx, check); result.Message == "" {
					t.Errorf("a probe of %+v says nothing", check.Spec)
				}
				cancel()
			}
		})
	}
	for i := range total {
		work <- checks[i%len(checks)]
	}
	close(work)
	workers.Wait()
}

// Whatever a spec says, with or without the CRD's validation, a probe has a result that fits a status.
func FuzzProbe(f *testing.F) {
	for _, seed := range [][5]string{
		{"http://127.0.0.1:1/", "GET", "X-Probe", "1", "200-299"},
		{"https://[::1]:1/?q#f", "", "Host", "a b", "abc"},
		{"http://user:p@127.1:99999", "G T", "", "\x00", ""},
		{"[fe80::1%eth0]:80", "POST", "A", "\xff", "999"},
		{"127.0.0.1:53", "PTR", "192.0.2.1", "response.body.matches('[')", "1-2"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	prober := probe.New(probe.Options{Guard: guard(f, "", "0.0.0.0/0,::/0"), Resolver: names{}})
	f.Fuzz(func(t *testing.T, where, method, name, value, status string) {
		headers := []v1alpha1.HTTPHeader{{Name: name, Value: &value}, {Name: name}}
		for _, spec := range []v1alpha1.HealthCheckSpec{
			{HTTP: &v1alpha1.HTTPProbe{URL: where, Method: method, Headers: headers, Body: value}},
			{HTTP: &v1alpha1.HTTPProbe{URL: where, ExpectedStatuses: []v1alpha1.StatusRange{v1alpha1.StatusRange(status)}}},
			{TCP: &v1alpha1.TCPProbe{Address: v1alpha1.Address(where)}, Timeout: &metav1.Duration{Duration: -1}},
			{UDP: &v1alpha1.UDPProbe{Address: v1alpha1.Address(where), Payload: value}},
			{GRPC: &v1alpha1.GRPCProbe{Address: v1alpha1.Address(where), Service: name,
				Authority: name, Headers: headers, TLS: &v1alpha1.TLSConfig{ServerName: value}}},
			{HTTP: &v1alpha1.HTTPProbe{URL: where, Expect: []v1alpha1.Expectation{{That: value, Message: name}}}},
			{TCP: &v1alpha1.TCPProbe{Address: v1alpha1.Address(where), TLS: &v1alpha1.TLSConfig{ServerName: value}}},
			{UDP: &v1alpha1.UDPProbe{Address: v1alpha1.Address(where), PayloadBase64: value}},
			{DNS: &v1alpha1.DNSProbe{Name: name, Type: method, Server: v1alpha1.Address(where), Expect: []string{value}}},
		} {
			result := probedWith(t, prober, checkOf(spec))
			if result.Message == "" || len(result.Message) > v1alpha1.MaxMessageBytes ||
				strings.ContainsAny(result.Message, "\n\r\x00") {
				t.Errorf("%+v: the message is %q", spec, result.Message)
			}
		}
	})
}
