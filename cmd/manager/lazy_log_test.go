package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

func TestALazyLogWritesAllThatItWasGiven(t *testing.T) {
	var written bytes.Buffer
	log := lazyLog(zap.New(zap.UseDevMode(true), zap.WriteTo(&written)))
	check := log.WithName("checks").WithValues("name", "web").WithValues("try", 2)
	check.Info("Probing", "url", "http://web")
	check.Error(errors.New("refused"), "Failed")
	log.Info("Unrelated")

	lines := strings.Split(strings.TrimSpace(written.String()), "\n")
	for _, want := range []string{"checks", "Probing", `"name": "web"`, `"try": 2`, `"url": "http://web"`} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("the first line lacks %s: %s", want, lines[0])
		}
	}
	if !strings.Contains(lines[1], `"name": "web"`) || !strings.Contains(lines[1], "refused") {
		t.Errorf("the error lacks its values: %s", lines[1])
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "Unrelated") || strings.Contains(last, "web") {
		t.Errorf("values went to a logger that was not given them: %s", last)
	}
}

func BenchmarkTheLoggerOfAReconcile(b *testing.B) {
	for name, log := range map[string]func() bool{
		"eager": loggerOfAReconcile(zap.New(zap.WriteTo(&bytes.Buffer{}))),
		"lazy":  loggerOfAReconcile(lazyLog(zap.New(zap.WriteTo(&bytes.Buffer{})))),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				log()
			}
		})
	}
}

// loggerOfAReconcile is what controller-runtime does for each reconcile.
func loggerOfAReconcile(log logr.Logger) func() bool {
	return func() bool {
		return log.WithValues("AliasCheck", klog.KRef("shop", "web")).
			WithValues("namespace", "shop", "name", "web").
			WithValues("reconcileID", "9f7a7b0e-3a53-4d6b-8b0c-0b3d6f9c7b11").
			Enabled()
	}
}
