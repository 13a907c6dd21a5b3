package expect

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

var answer = Response{
	Code:   200,
	Header: http.Header{"Content-Type": {"application/json"}, "X-Region": {"eu", "us"}},
	Body:   []byte(`{"status":"up","queue":17,"ratio":0.5,"big":9007199254740993,"deps":[{"name":"db","ok":true}],"secret":"hidden"}`),
}

// judged is what does not hold of a response, each with the state that it has.
func judged(t *testing.T, response Response, expectations ...v1alpha1.Expectation) []Finding {
	t.Helper()
	set, err := NewCompiler().Compile(expectations)
	if err != nil {
		t.Fatal(err)
	}
	return set.Judge(t.Context(), response)
}

func that(expression string) v1alpha1.Expectation { return v1alpha1.Expectation{That: expression} }

func TestWhatIsTrueOfAResponseHolds(t *testing.T) {
	for _, expression := range []string{
		`response.code == 200`,
		`response.code in [200, 204]`,
		`response.headers['content-type'][0].startsWith('application/json')`,
		`'us' in response.headers['x-region']`,
		`response.body.contains('"status":"up"')`,
		`response.body.matches('"queue": *[0-9]+')`,
		`response.json.status == 'up'`,
		`response.json.queue < 100 && response.json.ratio < 1 && response.json.queue < 17.5`,
		`response.json.big == 9007199254740993`,
		`response.json.deps.all(d, d.ok)`,
		`response.json.?absent.orValue('up') == 'up'`,
		`response.json.deps[0].ok`,
		`has(response.json.status) && !has(response.json.absent)`,
		`response.json.status.lowerAscii() == 'up'`,
	} {
		if findings := judged(t, answer, that(expression)); len(findings) > 0 {
			t.Errorf("%s: %v", expression, findings)
		}
	}
}

func TestWhatDoesNotHoldIsToldWithoutAByteOfTheResponse(t *testing.T) {
	long := Response{Code: 200, Body: []byte(`{"a":"` + strings.Repeat("x", 64<<10-6)), Cut: true}
	for _, row := range []struct {
		response   Response
		expression string
		message    string
	}{
		{answer, `response.json.status == 'down'`, `http.expect[0] is not true: response.json.status == 'down'`},
		{answer, `response.json.absent == 1`, "http.expect[0] cannot be evaluated: a field is absent: response.json.absent == 1"},
		{answer, `response.json[response.json.secret] == 1`,
			"http.expect[0] cannot be evaluated: a field is absent: response.json[response.json.secret] == 1"},
		{answer, `response.headers['x-absent'][0] == ''`,
			"http.expect[0] cannot be evaluated: a field is absent: response.headers['x-absent'][0] == ''"},
		{answer, `response.json.deps[1].ok`, "http.expect[0] cannot be evaluated: a list is too short: response.json.deps[1].ok"},
		{answer, `response.json.status`, "http.expect[0] cannot be evaluated: it is neither true nor false: response.json.status"},
		{answer, `int(response.json.secret) > 1`,
			"http.expect[0] cannot be evaluated: a value does not fit: int(response.json.secret) > 1"},
		{answer, `response.json.status > 1`,
			"http.expect[0] cannot be evaluated: a value is of another type: response.json.status > 1"},
		{Response{Code: 200, Body: []byte("hidden")}, `response.json.ok`,
			"http.expect[0] cannot be evaluated: the body is not JSON: response.json.ok"},
		{Response{Code: 200}, `response.json.ok`, "http.expect[0] cannot be evaluated: the body is empty: response.json.ok"},
		{long, `response.json.ok`, "http.expect[0] cannot be evaluated: the body is longer than 64 KiB: response.json.ok"},
	} {
		findings := judged(t, row.response, that(row.expression))
		if len(findings) != 1 || findings[0] != (Finding{v1alpha1.StateCritical, row.message}) {
			t.Errorf("%s:\n %q, want\n %q", row.expression, findings, row.message)
		}
	}
}

func TestTheAuthorsWordsAreShownInsteadOfTheExpression(t *testing.T) {
	findings := judged(t, answer,
		v1alpha1.Expectation{That: "response.json.queue < 10", Otherwise: v1alpha1.StateWarning, Message: "the queue is long"},
		v1alpha1.Expectation{That: "response.code == 200", Message: "never shown"},
		v1alpha1.Expectation{That: "response.json.absent", Otherwise: v1alpha1.StateCritical, Message: "no state"})
	want := []Finding{
		{v1alpha1.StateWarning, "the queue is long"},
		{v1alpha1.StateCritical, "no state (http.expect[2] cannot be evaluated: a field is absent)"},
	}
	if len(findings) != 2 || findings[0] != want[0] || findings[1] != want[1] {
		t.Errorf("%q, want %q", findings, want)
	}
}

func TestAnExpressionThatDoesNotCompileIsToldWithItsPlace(t *testing.T) {
	for expression, message := range map[string]string{
		`response.status == 200`:                                          "undeclared reference",
		`response.code = 200`:                                             "Syntax error",
		`response.code == '200'`:                                          "no matching overload",
		`response.code`:                                                   "it is of type int, and has to be true or false",
		`response.body.matches('[')`:                                      "no regular expression",
		`response.body.matches(response.json.p)`:                          "the pattern of matches must be a literal",
		`matches(response.body, response.body)`:                           "the pattern of matches must be a literal",
		`response.body.matches('(abcdefgh){900}')`:                        "the pattern of matches is too large",
		`response.body.replace('a', response.body) == ''`:                 "the function replace is not available",
		`['a'].join(response.body) == ''`:                                 "the function join is not available",
		`'%s'.format([response.body]) == ''`:                              "the function format is not available",
		`[1].all(a, [a, a].all(b, [b, b].all(c, [c, c].all(d, d == 1))))`: "it has 4 macros such as all and exists, and 3 are the most",
	} {
		_, err := NewCompiler().Compile([]v1alpha1.Expectation{that("true"), that(expression)})
		invalid, ok := errors.AsType[*InvalidError](err)
		if !ok || invalid.Place != "http.expect[1].that" || !strings.Contains(err.Error(), message) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q in it", expression, err, message)
		}
	}
}

func TestAnExpressionIsCompiledOnce(t *testing.T) {
	compiler, times := NewCompiler(), 0
	compile := compiler.compile
	compiler.compile = func(expression string) (cel.Program, error) {
		times++
		return compile(expression)
	}
	for range 3 {
		_, _ = compiler.Compile([]v1alpha1.Expectation{that("response.code == 200"), that("response.code == 200")})
		_, _ = compiler.Compile([]v1alpha1.Expectation{that("a mistake")})
	}
	if times != 2 {
		t.Errorf("two expressions were compiled %d times", times)
	}
}

// Whatever costs more than the limit, or lasts longer than the probe, ends.
func TestWhatAnExpressionCostsIsBounded(t *testing.T) {
	list := Response{Code: 200, Body: []byte("[" + strings.Repeat("1,", 32<<10-2) + "1]")}
	text := Response{Code: 200, Body: []byte(`["` + strings.Repeat("x", 60<<10) + `"]`)}
	for expression, response := range map[string]Response{
		`response.json.all(a, response.json.all(b, a == b))`: list,
		`response.json.map(a, a + a + a + a + a + a + a + a).map(a, a + a + a + a + a + a + a + a).map(a, a + a + a + a + a + a + a + a) == []`: text,
	} {
		findings := judged(t, response, that(expression))
		if len(findings) != 1 || !strings.Contains(findings[0].Message, "it costs too much") {
			t.Errorf("%s: %v", expression, findings)
		}
	}
}

func TestAnEvaluationEndsWithTheProbe(t *testing.T) {
	set, err := NewCompiler().Compile([]v1alpha1.Expectation{that(`response.json.all(a, a == 1)`)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	findings := set.Judge(ctx, Response{Code: 200, Body: []byte(`[1,1,1]`)})
	if len(findings) != 1 || !strings.Contains(findings[0].Message, "it takes too long") {
		t.Errorf("%v", findings)
	}
}
