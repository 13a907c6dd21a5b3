//go:build promtool

package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/test/blackbox"
)

// A Prometheus scrapes a manager whose checks fail and recover, and each query of the dashboard has an answer: what the panels show, what
// the annotations mark, what the variable offers. The one on objects that the watch has lost has none, for none is lost.
func TestEveryQueryOfTheDashboardIsAnsweredByWhatARealManagerServes(t *testing.T) {
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(2 * time.Minute)
	prometheus := prometheusOf(t, flappingManager(t))
	g.Eventually(prometheus.namespaces, "1m").Should(Equal([]string{"default"}), "the variable")
	for _, expression := range expressions(t) {
		if strings.Contains(expression, "aliascheck_sweep_stale_objects_total") {
			g.Expect(prometheus.answers(expression)).To(BeZero(), expression)
			continue
		}
		g.Eventually(func() (int, error) { return prometheus.answers(expression) }).Should(BeNumerically(">", 0), expression)
	}
	why, err := prometheus.labels(expressionOf(t, "Not Passing"), "why")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(why).To(ContainElement("kubectl aliascheck -n default why HealthCheck/down"))
}

func expressionOf(t *testing.T, title string) string {
	t.Helper()
	for _, panel := range panels(t) {
		if panel.Title == title {
			return panel.Targets[0].Expr
		}
	}
	t.Fatalf("there is no panel %s", title)
	return ""
}

// flappingManager is a leader that probes a server which fails every few seconds, and one that always does.
func flappingManager(t *testing.T) *blackbox.Manager {
	t.Helper()
	g := NewWithT(t)
	plane := startPlane(t, controlplane.Options{})
	manager, err := blackbox.Start(plane.Kubeconfig, "--leader-elect", "--leader-election-namespace=default")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(manager.Stop()).To(Succeed()) })
	probes := atomic.Int64{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" || probes.Add(1)%8 >= 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(web.Close)
	encrypted := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(encrypted.Close)
	kubectl(t, plane, fmt.Sprintf(checks, web.URL, encrypted.URL)+fmt.Sprintf(`---
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: down, namespace: default}
spec: {interval: 1s, http: {url: "%s/down"}}
`, web.URL), "apply", "--filename", "-")
	return manager
}

// server is a Prometheus that runs until its test ends.
type server struct {
	address string
	began   time.Time
}

// prometheusOf scrapes a manager every second, with the rules of config/monitoring, which are evaluated as often.
func prometheusOf(t *testing.T, manager *blackbox.Manager) *server {
	t.Helper()
	g := NewWithT(t)
	folder := t.TempDir()
	var rules ruleFile
	read(t, "rules.yaml", &rules)
	for i := range rules.Groups {
		rules.Groups[i].Interval = "1s"
	}
	text, err := yaml.Marshal(rules)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(filepath.Join(folder, "rules.yaml"), text, 0o600)).To(Succeed())
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
- {job_name: aliascheck, honor_labels: true, static_configs: [{targets: [%q]}]}
`, manager.MetricsAddress)
	g.Expect(os.WriteFile(filepath.Join(folder, "prometheus.yaml"), []byte(config), 0o600)).To(Succeed())
	s := &server{address: freeAddress(t), began: time.Now()}
	output, err := builtTools()
	g.Expect(err).NotTo(HaveOccurred(), string(output))
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, tool("prometheus"), "--config.file="+filepath.Join(folder, "prometheus.yaml"),
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+s.address)
	log := &blackbox.Log{}
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	g.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// get asks the API of Prometheus as Grafana does.
func (s *server) get(path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.address+"/api/v1/"+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: into}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", query.Get("query"), answer.Error)
	}
	return nil
}

// namespaces is what the variable of the dashboard offers.
func (s *server) namespaces() ([]string, error) {
	var found []string
	err := s.get("label/namespace/values", url.Values{"match[]": {"aliascheck_state"}}, &found)
	return found, err
}

type series struct {
	Metric map[string]string
	Values [][2]any // time, and value as a string
}

func (s *server) ask(expression string) ([]series, error) {
	var found struct{ Result []series }
	expression = strings.NewReplacer("$__rate_interval", "10s", "$__range", "5m", "$namespace", "default").Replace(expression)
	now := time.Now()
	err := s.get("query_range", url.Values{
		"query": {expression}, "step": {"1"}, "start": {strconv.FormatInt(s.began.Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
	}, &found)
	return found.Result, err
}

// answers is how many values there are of an expression, over all the time, that are numbers.
func (s *server) answers(expression string) (int, error) {
	found, err := s.ask(expression)
	numbers := 0
	for _, one := range found {
		for _, value := range one.Values {
			if number, err := strconv.ParseFloat(fmt.Sprint(value[1]), 64); err == nil && !math.IsNaN(number) {
				numbers++
			}
		}
	}
	return numbers, err
}

// labels are the values of a label in the answer to an expression.
func (s *server) labels(expression, label string) ([]string, error) {
	found, err := s.ask(expression)
	values := make([]string, 0, len(found))
	for _, one := range found {
		values = append(values, one.Metric[label])
	}
	return values, err
}
