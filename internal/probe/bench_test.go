package probe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/probe"
)

// What a probe over plain HTTP costs beside the same request by net/http alone, in this process, whose server is half of both.
func BenchmarkHTTP(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(server.Close)
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				b.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	})
	b.Run("probe", func(b *testing.B) {
		prefixes, err := probe.ParsePrefixes("127.0.0.0/8")
		if err != nil {
			b.Fatal(err)
		}
		prober := probe.New(probe.Options{Guard: probe.NewGuard(prefixes, nil)})
		check := &v1alpha1.HealthCheck{Spec: v1alpha1.HealthCheckSpec{HTTP: &v1alpha1.HTTPProbe{URL: server.URL}}}
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			if result := prober.Probe(b.Context(), check); result.Outcome != health.Passed {
				b.Fatal(result.Message)
			}
		}
	})
}

// reportCPU reports the processor time of an iteration, which other processes leave as it is.
func reportCPU(b *testing.B) func() {
	b.Helper()
	before := cpu(b)
	return func() { b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op") }
}

func cpu(b *testing.B) int64 {
	b.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
