package monitoring

import (
	"image"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// dashboard is a dashboard of Grafana, as far as it is read here.
type dashboard struct {
	Templating struct {
		List []struct {
			Name string `json:"name"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name       string `json:"name"`
			Expr       string `json:"expr"`
			TextFormat string `json:"textFormat"`
			Datasource struct {
				UID string `json:"uid"`
			} `json:"datasource"`
		} `json:"list"`
	} `json:"annotations"`
	Links  []link  `json:"links"`
	Panels []panel `json:"panels"`
}

type link struct{ Title, URL string }

type panel struct {
	ID    int    `json:"id"`
	Type  string `json:"type"`
	Title string `json:"title"`
	// FieldConfig is read for the values that stand for states, and for links.
	FieldConfig struct {
		Defaults struct {
			Links    []link `json:"links"`
			Mappings []struct {
				Options map[string]struct{ Text string } `json:"options"`
			} `json:"mappings"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	GridPos struct{ X, Y, W, H int } `json:"gridPos"`
	Targets []struct {
		Expr       string `json:"expr"`
		Datasource struct {
			UID string `json:"uid"`
		} `json:"datasource"`
	} `json:"targets"`
}

func TestThePanelsOfTheDashboardDoNotOverlap(t *testing.T) {
	// A dashboard is 24 columns wide.
	grid := image.Rect(0, 0, 24, 1000)
	taken, ids := map[image.Point]string{}, map[int]bool{}
	for _, panel := range panels(t) {
		at := image.Rect(panel.GridPos.X, panel.GridPos.Y, panel.GridPos.X+panel.GridPos.W, panel.GridPos.Y+panel.GridPos.H)
		if at.Empty() || !at.In(grid) || ids[panel.ID] {
			t.Errorf("%q has place %v and ID %d", panel.Title, at, panel.ID)
		}
		ids[panel.ID] = true
		for x := at.Min.X; x < at.Max.X; x++ {
			for y := at.Min.Y; y < at.Max.Y; y++ {
				if other, ok := taken[image.Pt(x, y)]; ok {
					t.Fatalf("%q lies over %q", panel.Title, other)
				}
				taken[image.Pt(x, y)] = panel.Title
			}
		}
	}
}

func TestEveryPanelAsksTheDataSourceThatIsChosen(t *testing.T) {
	for _, panel := range panels(t) {
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("%q asks nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("%q asks data source %q", panel.Title, target.Datasource.UID)
			}
		}
	}
}

// The numbers that stand for states are those of the expression, and every state has one.
func TestTheTimelineNamesEveryState(t *testing.T) {
	g := NewWithT(t)
	all := panels(t)
	at := slices.IndexFunc(all, func(p panel) bool { return p.Type == "state-timeline" })
	g.Expect(at).NotTo(Equal(-1))
	mappings := all[at].FieldConfig.Defaults.Mappings
	g.Expect(mappings).To(HaveLen(1))
	var states []string
	for number, value := range mappings[0].Options {
		g.Expect(all[at].Targets[0].Expr).To(ContainSubstring(`aliascheck_state{state="` + value.Text + `", namespace=~"$namespace"} * ` + number))
		states = append(states, value.Text)
	}
	g.Expect(states).To(ConsistOf("Passing", "Warning", "Critical", "Maintenance", "Unknown"))
}

func TestADashboardAsksOnlyWithVariablesThatItHas(t *testing.T) {
	file := theDashboard(t)
	known := []string{"$__rate_interval", "$__range", "$1", "$2", "$3"} // of Grafana, and of label_replace
	for _, variable := range file.Templating.List {
		known = append(known, "$"+variable.Name)
	}
	for _, expression := range expressions(t) {
		for _, name := range known {
			expression = strings.ReplaceAll(expression, name, "")
		}
		if strings.Contains(expression, "$") {
			t.Errorf("it has another variable: %s", expression)
		}
	}
}

func TestTheAnnotationsSayHowToFindOutWhy(t *testing.T) {
	g := NewWithT(t)
	annotations := theDashboard(t).Annotations.List
	g.Expect(annotations).To(HaveLen(2))
	for _, annotation := range annotations {
		g.Expect(annotation.Datasource.UID).To(Equal("${datasource}"), annotation.Name)
	}
	g.Expect(annotations[0].TextFormat).To(Equal("kubectl aliascheck -n {{namespace}} why {{kind}}/{{name}}"))
}

// Links lead to pages of docs/ that there are.
func TestTheLinksOfTheDashboardLeadSomewhere(t *testing.T) {
	g := NewWithT(t)
	links := theDashboard(t).Links
	for _, panel := range panels(t) {
		links = append(links, panel.FieldConfig.Defaults.Links...)
	}
	g.Expect(len(links)).To(BeNumerically(">", 2))
	for _, link := range links {
		at, err := url.Parse(link.URL)
		g.Expect(err).NotTo(HaveOccurred())
		_, page, ours := strings.Cut(at.Path, "/aliascheck/aliascheck/blob/main/")
		g.Expect(ours).To(BeTrue(), link.URL)
		text, err := os.ReadFile(filepath.Join(controlplane.Root(), filepath.FromSlash(page)))
		g.Expect(err).NotTo(HaveOccurred())
		if at.Fragment != "" {
			g.Expect(strings.ToLower(string(text))).To(ContainSubstring("\n## "+at.Fragment+"\n"), link.URL)
		}
	}
}

func theDashboard(t *testing.T) dashboard {
	t.Helper()
	var file dashboard
	read(t, "dashboard.json", &file)
	return file
}

func panels(t *testing.T) []panel {
	t.Helper()
	file := theDashboard(t)
	if len(file.Panels) == 0 {
		t.Fatal("there are no panels")
	}
	return file.Panels
}

// expressions are all that the panels and the annotations of the dashboard ask.
func expressions(t *testing.T) []string {
	t.Helper()
	var expressions []string
	for _, annotation := range theDashboard(t).Annotations.List {
		expressions = append(expressions, annotation.Expr)
	}
	for _, panel := range panels(t) {
		for _, target := range panel.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}
