package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// Argo CD runs the script with gopher-lua, too: its global obj is the object, and it returns the health.
func TestTheHealthScriptForArgoCDTellsEveryState(t *testing.T) {
	script := argoCDScript(t)
	const observed = `metadata: {generation: 2}, status: {observedGeneration: 2, reason: R, message: m, `
	for object, want := range map[string]struct{ status, message string }{
		`{metadata: {generation: 1}}`: {"Progressing", "not reported yet"},
		`{metadata: {generation: 1}, status: {state: Unknown, reason: NotYetReported, observedGeneration: -1}}`: {
			"Progressing", "the last edit has not been looked at yet"},
		`{metadata: {generation: 3}, status: {observedGeneration: 2, state: Passing}}`: {
			"Progressing", "the last edit has not been looked at yet"},
		`{` + observed + `state: Passing}}`:     {"Healthy", "R: m"},
		`{` + observed + `state: Warning}}`:     {"Healthy", "R: m"},
		`{` + observed + `state: Critical}}`:    {"Degraded", "R: m"},
		`{` + observed + `state: Maintenance}}`: {"Suspended", "R: m"},
		`{` + observed + `state: Unknown}}`:     {"Progressing", "R: m"},
		`{` + observed + `state: Unknown, conditions: [{type: Ready, status: Unknown}, {type: Stalled, status: "True"}]}}`: {
			"Degraded", "R: m"},
		`{` + observed + `state: Passing, conditions: [{type: Ready, status: "True"}]}}`: {"Healthy", "R: m"},
		`{` + observed + `state: Splendid}}`:                                             {"Unknown", "R: m"},
	} {
		t.Run(object, func(t *testing.T) {
			status, message := healthOf(t, script, object)
			if status != want.status || message != want.message {
				t.Errorf("got %s %q, want %s %q", status, message, want.status, want.message)
			}
		})
	}
}

// argoCDScript is the one that docs/gitops.md has in its ConfigMap.
func argoCDScript(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(controlplane.Root(), "docs", "gitops.md"))
	if err != nil {
		t.Fatal(err)
	}
	const key = "resource.customizations.health.health.aliascheck.dev_AliasCheck"
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		var configMap struct {
			Data map[string]string `json:"data"`
		}
		// Some blocks are several documents; the ConfigMap is one of its own.
		if yaml.Unmarshal([]byte(block), &configMap) == nil && configMap.Data[key] != "" {
			return configMap.Data[key]
		}
	}
	t.Fatalf("docs/gitops.md has no ConfigMap with %s", key)
	return ""
}

func healthOf(t *testing.T, script, object string) (status, message string) {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatal(err)
	}
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", luaValue(state, fields))
	if err := state.DoString(script); err != nil {
		t.Fatal(err)
	}
	health, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returns %v", state.Get(-1))
	}
	return health.RawGetString("status").String(), health.RawGetString("message").String()
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for name, field := range v {
			table.RawSetString(name, luaValue(state, field))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range v {
			table.Append(luaValue(state, item))
		}
		return table
	case string:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case bool:
		return lua.LBool(v)
	default:
		return lua.LNil
	}
}
