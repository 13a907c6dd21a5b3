package main

import (
	"bytes"
	stdlog "log"
	"testing"
)

func TestNothingOfAResponseReachesTheStandardLog(t *testing.T) {
	var printed bytes.Buffer
	before := stdlog.Writer()
	stdlog.SetOutput(&printed)
	t.Cleanup(func() { stdlog.SetOutput(before) })
	silenceStandardLog()
	stdlog.Printf("Unsolicited response received on idle HTTP channel starting with %q", "hidden")
	if printed.Len() > 0 {
		t.Errorf("%q was printed", printed.String())
	}
}
