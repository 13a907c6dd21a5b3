package main

import (
	"slices"

	"github.com/go-logr/logr"
)

// lazyLog is a logger that keeps the values it is given, and encodes them only with a line that is really
// written. controller-runtime gives every reconcile a logger with four values of its own, and at hundreds of
// reconciles a second, nearly all of which log nothing, the encoding was a quarter of all allocations.
func lazyLog(log logr.Logger) logr.Logger {
	return log.WithSink(lazySink{LogSink: log.GetSink()})
}

type lazySink struct {
	logr.LogSink
	values []any
}

func (s lazySink) Init(logr.RuntimeInfo) {} // the sink beneath is initialised already

func (s lazySink) Info(level int, message string, values ...any) {
	s.LogSink.Info(level, message, s.with(values)...)
}

func (s lazySink) Error(err error, message string, values ...any) {
	s.LogSink.Error(err, message, s.with(values)...)
}

func (s lazySink) WithValues(values ...any) logr.LogSink {
	return lazySink{LogSink: s.LogSink, values: s.with(values)}
}

func (s lazySink) WithName(name string) logr.LogSink {
	return lazySink{LogSink: s.LogSink.WithName(name), values: s.values}
}

func (s lazySink) with(values []any) []any { return slices.Concat(s.values, values) }
