package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

const (
	filmWidth, filmHeight = 118, 19 // in characters
	letterWidth           = 7.83    // of a letter of 13 px, in px
	lineHeight            = 18
	filmMargin            = 14
	// together is how near changes are to be one picture.
	together = 80 * time.Millisecond
)

// film is a screen that keeps what a terminal would show, and makes it a picture that moves: an SVG of all frames above each
// other, of which one at a time is in view. It passes all on to another screen.
type film struct {
	screen
	told   []string
	frames []frame
}

// frame is what a terminal shows from a time on.
type frame struct {
	at    time.Time
	lines []string
}

func (f *film) tell(line string) {
	f.screen.tell(line)
	f.told = append(f.told, line)
}

func (f *film) draw(checks map[string]check, now time.Time) {
	f.screen.draw(checks, now)
	if !allKnown(checks) {
		return
	}
	next := frame{now, frameOf(checks, f.told, now, filmWidth, filmHeight)}
	switch last := len(f.frames) - 1; {
	case last < 0:
		f.told = nil // the film begins with what follows
		f.frames = append(f.frames, frame{now, frameOf(checks, nil, now, filmWidth, filmHeight)})
	case slices.Equal(f.frames[last].lines, next.lines):
	case now.Sub(f.frames[last].at) < together:
		f.frames[last].lines = next.lines
	default:
		f.frames = append(f.frames, next)
	}
}

// allKnown reports whether each check has been looked at: what a cluster without any looks like is no film.
func allKnown(checks map[string]check) bool {
	for _, c := range checks {
		if c.state == v1alpha1.StateUnknown {
			return false
		}
	}
	return len(checks) > 0
}

// write writes the film to a file; the last frame stays for a moment before it begins again.
func (f *film) write(path string, end time.Time) error {
	if len(f.frames) == 0 {
		return fmt.Errorf("there is nothing to write to %s: no check was looked at", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making a folder for the film: %w", err)
	}
	if err := os.WriteFile(path, []byte(f.svg(end)), 0o644); err != nil {
		return fmt.Errorf("writing the film: %w", err)
	}
	return nil
}

const filmHead = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" xml:space="preserve">
<title>%[3]s</title>
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d5dce4; white-space: pre; }
.Passing { fill: #3fb950 } .Warning { fill: #d8a230 } .Critical { fill: #ff6b6b } .Maintenance { fill: #b392f0 } .Unknown { fill: #9aa7b5 }
.film { transform: translateY(%[4]dpx); animation: film %.1[5]fs step-end infinite; }
@media (prefers-reduced-motion: reduce) { .film { animation: none } }
@keyframes film {
`

// svg draws the film. For those who want nothing to move it stands still at the first frame in which something is Critical.
func (f *film) svg(end time.Time) string {
	height := 2*filmMargin + filmHeight*lineHeight
	width := 2*filmMargin + int(math.Ceil(filmWidth*letterWidth))
	began := f.frames[0].at
	length := end.Sub(began)
	still := max(0, slices.IndexFunc(f.frames, func(fr frame) bool {
		return slices.ContainsFunc(fr.lines, func(line string) bool { return strings.HasPrefix(line, colours[v1alpha1.StateCritical]) })
	}))
	var b strings.Builder
	fmt.Fprintf(&b, filmHead, width, height, filmTitle, -still*height, length.Seconds())
	for i, fr := range f.frames {
		fmt.Fprintf(&b, "%.2f%% { transform: translateY(%dpx) }\n", 100*fr.at.Sub(began).Seconds()/length.Seconds(), -i*height)
	}
	fmt.Fprintf(&b, "}\n</style>\n<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#10151b\"/>\n<g class=\"film\">\n")
	for i, fr := range f.frames {
		for j, line := range fr.lines {
			writeLine(&b, line, i*height+filmMargin+(j+1)*lineHeight-5)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

const filmTitle = "The demo: a service breaks and recovers, its HealthCheck sees it, and the aliases follow within milliseconds"

func writeLine(b *strings.Builder, line string, y int) {
	class, text := "", line
	for state, colour := range colours {
		if inside, is := strings.CutPrefix(line, colour); is {
			class, text = fmt.Sprintf(" class=%q", state), strings.TrimSuffix(inside, plain)
		}
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\"%s>", filmMargin, y, class)
	_ = xml.EscapeText(b, []byte(strings.TrimRight(text, " "))) // a strings.Builder takes all
	b.WriteString("</text>\n")
}
