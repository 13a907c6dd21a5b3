package conformance

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// atOnce is how many cases run at once where -parallel does not say: they wait most of the time.
const atOnce = "12"

// held is for how long the expected has to last: what only passes by is no result.
const held = 500 * time.Millisecond

const poll = 100 * time.Millisecond

func TestMain(m *testing.M) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	read := readCases(t)
	shared := startCluster(t)
	subjects := serveSubjects(t)

	t.Run("without the Gateway API", func(t *testing.T) {
		runCases(t, shared, subjects, read.withoutGatewayAPI)
	})
	shared.installGatewayAPI(t)
	t.Run("cases", func(t *testing.T) {
		runCases(t, shared, subjects, read.others)
	})
}

// written is a case as it is in its file, with its placeholders.
type written struct {
	file     string
	name     string
	document []byte
}

type cases struct{ withoutGatewayAPI, others []written }

// readCases reads all cases once before anything runs, so that a mistake in one shows at once.
func readCases(t *testing.T) cases {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("cases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no cases: %v", err)
	}
	all := cases{}
	for _, file := range files {
		all.read(t, file)
	}
	return all
}

func (all *cases) read(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found, err := documents(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, document := range found {
		c, err := prepared(document, subjects{}.values("case-x"))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		w := written{file: strings.TrimSuffix(filepath.Base(file), ".yaml"), name: c.Name, document: document}
		if c.WithoutGatewayAPI {
			all.withoutGatewayAPI = append(all.withoutGatewayAPI, w)
		} else {
			all.others = append(all.others, w)
		}
	}
}

func prepared(document []byte, values map[string]string) (Case, error) {
	document, err := filled(document, values)
	if err != nil {
		return Case{}, err
	}
	return parse(document)
}

func runCases(t *testing.T, shared cluster, subjects subjects, all []written) {
	for _, w := range all {
		t.Run(w.file+": "+w.name, func(t *testing.T) {
			t.Parallel()
			home := shared.newNamespaces(t)
			c, err := prepared(w.document, subjects.values(home))
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range c.steps() {
				shared.run(t, home, step)
			}
		})
	}
}

// run does what a step says, waits for what it expects, and sees whether that lasts.
func (c cluster) run(t *testing.T, home string, step Step) {
	t.Helper()
	g, ctx := NewWithT(t), t.Context()
	for _, ref := range step.Delete {
		c.delete(ctx, g, home, ref)
	}
	for _, object := range step.Apply {
		c.apply(ctx, g, home, object)
	}
	for _, patch := range step.Patch {
		c.patch(ctx, g, home, patch)
	}
	differences := func() []string { return c.differences(ctx, home, step.Expect) }
	g.Eventually(differences).WithTimeout(step.bound()).WithPolling(poll).Should(BeEmpty(), step.Name)
	g.Consistently(differences).WithTimeout(held).WithPolling(poll).Should(BeEmpty(), "%s, a moment later", step.Name)
}
