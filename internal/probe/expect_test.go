package probe_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
)

func expectations(all ...v1alpha1.Expectation) func(*v1alpha1.HTTPProbe) {
	return func(spec *v1alpha1.HTTPProbe) { spec.Expect = all }
}

// hiding answers with this body, of which no byte may be shown.
func hiding(t *testing.T, code int, body string) string {
	t.Helper()
	return serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Region", "hidden")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	})
}

func TestWhatIsExpectedOfAResponseDecides(t *testing.T) {
	const warning = v1alpha1.StateWarning
	body := `{"status":"down","queue":17,"secret":"hidden"}`
	for name, row := range map[string]struct {
		code    int
		expect  []v1alpha1.Expectation
		outcome health.Outcome
		reason  string
		says    string
	}{
		"all is true": {200, []v1alpha1.Expectation{{That: "response.json.queue == 17"}, {That: "response.code == 200"}},
			health.Passed, v1alpha1.ReasonProbeSucceeded, "200 OK"},
		"it is not true": {200, []v1alpha1.Expectation{{That: "response.json.status == 'up'", Message: "the status is not up"}},
			health.Failed, v1alpha1.ReasonProbeFailed, "200 OK, but the status is not up"},
		"a warning": {200, []v1alpha1.Expectation{{That: "response.json.queue < 10", Otherwise: warning, Message: "the queue is long"}},
			health.Warned, v1alpha1.ReasonProbeWarning, "200 OK, but the queue is long"},
		"the worst decides": {200, []v1alpha1.Expectation{
			{That: "response.json.queue < 10", Otherwise: warning, Message: "the queue is long"},
			{That: "response.json.status == 'up'"}, {That: "false", Message: "never"}},
			health.Failed, v1alpha1.ReasonProbeFailed,
			"200 OK, but http.expect[1] is not true: response.json.status == 'up'; never"},
		"many": {200, []v1alpha1.Expectation{{That: "false", Message: "a"}, {That: "false", Message: "b"},
			{That: "false", Message: "c"}, {That: "false", Message: "d"}, {That: "false", Message: "e"}},
			health.Failed, v1alpha1.ReasonProbeFailed, "200 OK, but a; b; c; and 2 more"},
		"an absent field": {200, []v1alpha1.Expectation{{That: "response.json.absent == 1", Otherwise: warning}},
			health.Warned, v1alpha1.ReasonProbeWarning,
			"200 OK, but http.expect[0] cannot be evaluated: a field is absent: response.json.absent == 1"},
		"the status does not pass": {503, []v1alpha1.Expectation{{That: "false", Otherwise: warning, Message: "never asked"}},
			health.Failed, v1alpha1.ReasonProbeFailed, "503 Service Unavailable"},
		"429": {429, []v1alpha1.Expectation{{That: "false", Message: "never asked"}},
			health.Warned, v1alpha1.ReasonProbeWarning, "429 Too Many Requests"},
	} {
		t.Run(name, func(t *testing.T) {
			url := hiding(t, row.code, body)
			got := probed(t, onLoopback(t), httpCheck(url, expectations(row.expect...)))
			expectResult(t, got, row.outcome, row.reason, "GET "+url+": "+row.says)
		})
	}
}

func TestNoByteOfAResponseIsShownWhateverAnExpressionDoes(t *testing.T) {
	url := hiding(t, 200, `{"secret":"hidden","list":["hidden"]}`)
	for _, that := range []string{
		"int(response.json.secret) == 1", "response.json[response.json.secret]", "response.json.list[7]",
		"response.json.secret", "response.headers['x-region'][0] > 'z'", "timestamp(response.body) < timestamp('2026-01-01T00:00:00Z')",
		"duration(response.json.secret) < duration('1s')", "{response.body: 1}[response.json.secret] == 1",
		"response.body.split('d')[100] == ''", "response.body.substring(1000) == ''", "response.body.charAt(-1) == ''",
	} {
		got := probed(t, onLoopback(t), httpCheck(url, expectations(v1alpha1.Expectation{That: that, Message: "no"})))
		if got.Outcome != health.Failed || strings.Contains(got.Message, "hidden") {
			t.Errorf("%s: %v %s", that, got.Outcome, got.Message)
		}
	}
}

func TestAnExpressionThatDoesNotCompileIsToldBeforeAnythingIsAsked(t *testing.T) {
	asked := 0
	url := serving(t, func(http.ResponseWriter, *http.Request) { asked++ })
	got := probed(t, onLoopback(t), httpCheck(url, expectations(v1alpha1.Expectation{That: "response.status == 200"})))
	expectResult(t, got, health.Failed, v1alpha1.ReasonInvalidExpression,
		"http.expect[0].that does not compile: undeclared reference to 'response' (in container '') (column 1)")
	if asked != 0 {
		t.Error("the server was asked nevertheless")
	}
}

func TestABodyIsLookedAtUpToItsBound(t *testing.T) {
	url := hiding(t, 200, strings.Repeat("x", 64<<10)+"beyond")
	beyond := httpCheck(url, expectations(v1alpha1.Expectation{That: "response.body.contains('beyond')", Message: "not found"}))
	expectFailure(t, probed(t, onLoopback(t), beyond), "GET "+url+": 200 OK, but not found")
	size := httpCheck(url, expectations(v1alpha1.Expectation{That: "size(response.body) == 65536"}))
	expectPass(t, probed(t, onLoopback(t), size), "GET "+url+": 200 OK")
}
