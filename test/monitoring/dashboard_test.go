package monitoring

import (
	"image"
	"testing"
)

// dashboard is a dashboard of Grafana, as far as it is read here.
type dashboard struct {
	Templating struct {
		List []struct {
			Name string `json:"name"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID      int                      `json:"id"`
	Type    string                   `json:"type"`
	Title   string                   `json:"title"`
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

func panels(t *testing.T) []panel {
	t.Helper()
	var file dashboard
	read(t, "dashboard.json", &file)
	if len(file.Panels) == 0 {
		t.Fatal("there are no panels")
	}
	return file.Panels
}

// expressions are all that the panels of the dashboard ask.
func expressions(t *testing.T) []string {
	t.Helper()
	var expressions []string
	for _, panel := range panels(t) {
		for _, target := range panel.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}
