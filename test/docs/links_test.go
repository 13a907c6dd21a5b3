package docs_test

import (
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

var (
	linkToAFile = regexp.MustCompile(`\]\(([^)\s:#]*)(?:#([^)\s]+))?\)`)
	heading     = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fencedBlock = regexp.MustCompile("(?ms)^```.*?^```")
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestTheLinksOfThePagesLeadSomewhere(t *testing.T) {
	files := filesOfTheRepository(t)
	there := map[string]bool{}
	for _, file := range files {
		for ; file != "."; file = path.Dir(file) {
			there[file] = true
		}
	}
	links := 0
	for _, file := range files {
		if path.Ext(file) != ".md" {
			continue
		}
		for _, link := range linkToAFile.FindAllStringSubmatch(fencedBlock.ReplaceAllString(page(t, file), ""), -1) {
			links++
			target := file
			if link[1] != "" {
				target = path.Join(path.Dir(file), link[1])
			}
			switch {
			case !there[target]:
				t.Errorf("%s leads to %s, which is not there", file, target)
			case link[2] != "" && !anchorsOf(page(t, target))[link[2]]:
				t.Errorf("%s leads to #%s, which %s does not have", file, link[2], target)
			}
		}
	}
	if links < 50 {
		t.Fatalf("only %d links were found", links)
	}
}

// filesOfTheRepository are those that git has, or will have.
func filesOfTheRepository(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = controlplane.Root()
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// anchorsOf are what GitHub makes of the headings of a page.
func anchorsOf(page string) map[string]bool {
	anchors := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(fencedBlock.ReplaceAllString(page, ""), -1) {
		text := notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(found[1])), "")
		anchors[strings.ReplaceAll(text, " ", "-")] = true
	}
	return anchors
}

// pathInCode is a path of this repository as pages name it, such as `internal/sweep/repair.go`; <source> and * stand for any name.
var pathInCode = regexp.MustCompile("`((?:api|charts|cmd|config|controllers|docs|hack|internal|test)/[\\w.*<>/-]+)`")

func TestThePathsThatPagesNameAreThere(t *testing.T) {
	files := filesOfTheRepository(t)
	for _, file := range files {
		if path.Ext(file) != ".md" {
			continue
		}
		for _, found := range pathInCode.FindAllStringSubmatch(page(t, file), -1) {
			if pattern := anyName.ReplaceAllString(found[1], "*"); !isThere(files, pattern) {
				t.Errorf("%s names %s, which is not there", file, found[1])
			}
		}
	}
}

var anyName = regexp.MustCompile(`<\w+>`)

// isThere reports whether a file matches, or is in a folder that does.
func isThere(files []string, pattern string) bool {
	pattern = strings.TrimSuffix(pattern, "/")
	depth := strings.Count(pattern, "/")
	for _, file := range files {
		parts := strings.Split(file, "/")
		if len(parts) <= depth {
			continue
		}
		if matches, _ := path.Match(pattern, strings.Join(parts[:depth+1], "/")); matches {
			return true
		}
	}
	return false
}
