package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// deaf is a screen that shows nothing.
type deaf struct{}

func (deaf) tell(string)                      {}
func (deaf) draw(map[string]check, time.Time) {}

// filmed is a film of web, going through states a second apart.
func filmed(message string, states ...v1alpha1.State) *film {
	f := &film{screen: deaf{}}
	at := time.Unix(0, 0)
	for _, state := range states {
		at = at.Add(time.Second)
		f.tell(message)
		f.draw(map[string]check{"HealthCheck/web": {name: "HealthCheck/web", state: state}}, at)
	}
	return f
}

func TestAFilmBeginsWhenAllIsKnownAndHasAFrameForEachChange(t *testing.T) {
	f := filmed("", v1alpha1.StateUnknown, passing, critical, passing)
	if len(f.frames) != 3 {
		t.Fatalf("it has %d frames", len(f.frames))
	}
	svg := f.svg(time.Unix(7, 0))
	for _, want := range []string{"film 5.0s step-end infinite", "0.00% { transform: translateY(0px) }", "20.00% {", "40.00% {",
		".film { transform: translateY(-370px);", `class="Critical"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("the film has no %q:\n%s", want, svg)
		}
	}
}

func TestWhatAFilmShowsIsText(t *testing.T) {
	svg := filmed(`<script>alert("&")</script>`, passing, critical).svg(time.Unix(3, 0))
	if strings.Contains(svg, "<script") || !strings.Contains(svg, "&lt;script&gt;") {
		t.Errorf("the text is not text:\n%s", svg)
	}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
