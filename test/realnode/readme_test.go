//go:build realnode

package realnode

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

var commandOfAPage = regexp.MustCompile(`(?m)^    (\S.*)$`)

// The files of a release, on its page and in its source: those of this repository take their place.
var (
	onThePage = regexp.MustCompile(`https://github\.com/aliascheck/aliascheck/releases/download/v[^/]+/`)
	atTheTag  = regexp.MustCompile(`https://raw\.githubusercontent\.com/aliascheck/aliascheck/v[^/]+/`)
)

// readme runs the two minutes of the README, line by line as they stand there, with the files of this clone and a stand-in for their image.
func readme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## In two minutes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	lines := commandOfAPage.FindAllStringSubmatch(section, -1)
	if len(lines) < 8 {
		t.Fatalf("only %d commands were found", len(lines))
	}
	began := time.Now()
	for _, line := range lines {
		command := atTheTag.ReplaceAllString(onThePage.ReplaceAllString(line[1], "dist/"), "")
		shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "kubectl() { \"$KUBECTL\" \"$@\"; }\n"+command)
		shell.Dir = "../.."
		if output, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line[1], err, output)
		}
		t.Logf("%s %s", time.Since(began).Round(100*time.Millisecond), line[1])
	}
	must(t, "", "wait", "--for=condition=Ready", "aliascheck/cart-needs-shop", "--timeout=60s")
	must(t, "", "delete", "deployment/shop", "service/shop", "healthcheck/shop", "aliascheck/cart-needs-shop")
}
