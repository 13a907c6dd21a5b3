package tree

import (
	"bytes"
	"io"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Age is a duration as kubectl writes ages: 3m, 2d.
func Age(d time.Duration) string { return duration.HumanDuration(max(d, 0)) }

// table aligns columns; a line does not end in spaces where its last cells are empty.
type table struct {
	*tabwriter.Writer
	lines *bytes.Buffer
	out   io.Writer
}

func newTable(out io.Writer) *table {
	lines := &bytes.Buffer{}
	return &table{tabwriter.NewWriter(lines, 0, 0, 2, ' ', 0), lines, out}
}

// Flush writes what the table has.
func (t *table) Flush() error {
	if err := t.Writer.Flush(); err != nil {
		return err
	}
	for line := range bytes.Lines(t.lines.Bytes()) {
		if _, err := t.out.Write(append(bytes.Clone(bytes.TrimRight(line, " \n")), '\n')); err != nil {
			return err
		}
	}
	return nil
}
