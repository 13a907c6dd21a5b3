package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// screen shows the table of the checks, and what happens.
type screen interface {
	tell(line string)
	draw(checks map[string]check, now time.Time)
}

// filming is a screen that keeps a film too, if there is a place to write it to, and how to write that.
func filming(s screen, path string) (screen, func() error) {
	if path == "" {
		return s, func() error { return nil }
	}
	f := &film{screen: s}
	return f, func() error { return f.write(path, time.Now()) }
}

// newScreen is a table that updates in place on a terminal, and a line per event otherwise.
func newScreen(out *os.File) screen {
	if term.IsTerminal(int(out.Fd())) {
		return &terminal{out: out}
	}
	return lines{out: out}
}

// lines is the screen for a pipe or a file.
type lines struct{ out *os.File }

func (l lines) tell(line string) { fmt.Fprintln(l.out, line) }

func (lines) draw(map[string]check, time.Time) {}

// maxTold is how many of the last events stand below the table.
const maxTold = 10

// terminal draws over what it drew before.
type terminal struct {
	out    *os.File
	told   []string
	height int // of what was drawn last
}

func (t *terminal) tell(line string) {
	t.told = append(t.told, line)
	t.told = t.told[max(0, len(t.told)-maxTold):]
}

func (t *terminal) draw(checks map[string]check, now time.Time) {
	width, height := t.size()
	frame := frameOf(checks, t.told, now, width, height-1) // what has scrolled away cannot be drawn over

	var b strings.Builder
	if t.height > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.height) // up to where the last frame began
	}
	for _, line := range frame {
		b.WriteString(line + "\x1b[K\n") // and clear what is left of the old line
	}
	b.WriteString("\x1b[J") // and of the old frame
	t.height = len(frame)
	fmt.Fprint(t.out, b.String())
}

// frameOf is the table with the last events below it, as far as there is room.
func frameOf(checks map[string]check, told []string, now time.Time, width, height int) []string {
	frame := append([]string{""}, tableOf(checks, now, width)...)
	frame = append(frame, "")
	for _, line := range told[max(0, len(told)-maxTold):] {
		frame = append(frame, fit(line, width))
	}
	return frame[:min(len(frame), height)]
}

func (t *terminal) size() (width, height int) {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil || width <= 0 || height <= 1 {
		return 80, 24
	}
	return width, height
}
