package celbounds

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
)

const maxCost = 20_000

func environment(t *testing.T) *cel.Env {
	t.Helper()
	env, err := cel.NewEnv(cel.Variable("object", cel.DynType), cel.OptionalTypes(cel.OptionalTypesVersion(2)), ext.Strings(), Join())
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func compiled(t *testing.T, expression string) *cel.Ast {
	t.Helper()
	checked, issues := environment(t).Compile(expression)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", expression, issues.Err())
	}
	return checked
}

func evaluated(t *testing.T, expression string, object any) (ref.Val, error) {
	t.Helper()
	program, err := environment(t).Program(compiled(t, expression), cel.CostTracking(Sizes{}), cel.CostLimit(maxCost))
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := program.Eval(map[string]any{"object": object})
	return value, err
}

func TestWhatIsComparedIsPlain(t *testing.T) {
	limits := Limits{PlainComparisons: true}
	for _, expression := range []string{
		`object.a == object.b`,
		`object.a == object.b + object.c`,
		`object.list.filter(c, c.status == 'True') == []`,
		`object.list.map(c, c.name) == ['a', 'b']`,
		`object.list.map(c, [c.a, c.b].join(': ')).join('; ') == object.text`,
		`size(object.list.map(c, [c, c])) == object.count`,
		`[object.a, object.b].all(n, n == object.c)`,
		`object.list.map(c, c.name).exists(n, n == object.name)`,
		`object.list.filter(c, c.a == object.a).exists(c, c.b == object.b)`,
		`object.hash in [object.stable, object.canary]`,
		`'a' in object.list.map(c, c.name)`,
		`object.name in object.list`,
		`object.?a.optMap(a, a == object.b).orValue(false)`,
		`object.list.exists(c, c in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r'])`,
		`{'a': 1} == object.map`,
	} {
		if err := limits.Check(compiled(t, expression)); err != nil {
			t.Errorf("%s is refused: %v", expression, err)
		}
	}
	for _, expression := range []string{
		`[[object]].exists(a, [[a, a]].exists(b, b == b))`,
		`[object].map(a, [a, a]).map(b, [b, b]).exists(c, c == c)`,
		`object.list.map(a, [a, a]).exists(b, b == object.b)`,
		`[object].map(a, {'x': a, 'y': a}).exists(b, b.x == b)`,
		`object.list.map(a, a + a) == object.list.map(a, a + a)`,
		`[object.a, object.b] == [object.c, object.d]`,
		`object.?a.optMap(a, [a, a]).optMap(b, b == b).orValue(false)`,
		`object.a in object.list.map(c, c)`,
		`object.a in [[object.b], object.c]`,
		`[object, object] != object.list`,
	} {
		if err := limits.Check(compiled(t, expression)); err == nil {
			t.Errorf("%s is not refused", expression)
		}
	}
}

func TestWhatAStepCostsIsItsSize(t *testing.T) {
	ones := make([]any, 5000)
	for i := range ones {
		ones[i] = int64(1)
	}
	large := map[string]any{"a": strings.Repeat("a", 100_000), "b": map[string]any{"c": ones}}
	again := map[string]any{"a": strings.Repeat("a", 100_000), "b": map[string]any{"c": ones}}
	object := map[string]any{
		"list": ones, "large": large, "again": again, "text": large["a"], "empty": []any{},
		"texts": []any{large["a"], large["a"]},
	}
	for _, expression := range []string{
		`object.list.all(a, object.large == object.again)`,
		`object.list.all(a, object.text == 'a' || true)`,
		`object.list.all(a, object.text.lowerAscii() != 'b')`,
		`object.list.all(a, object.text.contains('b') || true)`,
		`object.list.all(a, object.text in ['b'] || true)`,
		`object.list.all(a, object.list.all(b, a == b))`,
		`[object.text].map(a, a + a + a + a).map(a, a + a + a + a).map(a, a + a + a + a).exists(a, a.size() > 0)`,
		`[object.list].map(a, a + a + a + a).map(a, a + a + a + a).map(a, a + a + a + a).exists(a, a.size() > 0)`,
	} {
		if _, err := evaluated(t, expression, object); err == nil || !strings.Contains(err.Error(), "cost limit exceeded") {
			t.Errorf("%s: %v, want it to cost too much", expression, err)
		}
	}
	for expression, want := range map[string]any{
		`object.large.b == object.again.b`:           true,
		`object.large.b.c[0] == 1`:                   true,
		`object.text.size()`:                         int64(100_000),
		`object.list.exists(a, a == 1)`:              true,
		`object.empty.map(a, a + a).exists(a, true)`: false,
	} {
		if got, err := evaluated(t, expression, object); err != nil || got.Value() != want {
			t.Errorf("%s is %v (%v), want %v", expression, got, err, want)
		}
	}
}

func TestJoinIsBounded(t *testing.T) {
	object := map[string]any{"list": []any{"a", "b"}, "numbers": []any{int64(1)}, "long": strings.Repeat("x", 40<<10)}
	for expression, want := range map[string]string{
		`object.list.join()`:                            "ab",
		`object.list.join(', ')`:                        "a, b",
		`[object.?list[?0], object.?none].join(': ')`:   "no such overload",
		`[?object.?list[?0], ?object.?none].join(': ')`: "a",
		`[].join(', ')`:                                 "",
		`object.numbers.join()`:                         "no such overload",
		`object.list.map(a, object.long).join()`:        "longer than 64 KiB",
		`object.list.join(object.long + object.long)`:   "longer than 64 KiB",
	} {
		got, err := evaluated(t, expression, object)
		var text string
		if err != nil {
			text = err.Error()
		} else {
			text, _ = got.Value().(string)
		}
		if text != want && (err == nil || !strings.Contains(text, want)) {
			t.Errorf("%s is %q, want %q", expression, text, want)
		}
	}
}

func TestMacrosAndFunctionsThatMayNotBe(t *testing.T) {
	limits := Limits{Macros: 1, Instead: "write two", Refused: []string{"format"}}
	for expression, want := range map[string]string{
		`object.list.all(a, a.all(b, b))`:        "it has 2 macros such as all and exists, and 1 are the most: write two",
		`'%s'.format([object]) == ''`:            "the function format is not available",
		`object.text.matches(object.text)`:       "must be a literal",
		`object.text.matches('(abcdefgh){900}')`: "too large",
		`object.text.matches('(')`:               "no regular expression",
	} {
		if err := limits.Check(compiled(t, expression)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", expression, err, want)
		}
	}
	if err := limits.Check(compiled(t, `object.list.all(a, a.matches('^a+$'))`)); err != nil {
		t.Error(err)
	}
}
