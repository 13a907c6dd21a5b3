// The manager of aliascheck: it probes HealthChecks, and keeps AliasChecks and pod readiness gates true.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	// The image is built from scratch: the roots of trust for https probes, and the time zones of maintenance windows, are
	// inside the binary.
	_ "time/tzdata"

	_ "golang.org/x/crypto/x509roots/fallback"
)

// version is stamped by the linker.
var version = "dev"

// Exit codes of the manager.
const (
	exitFailed   = 1
	exitBadUsage = 2
)

func main() { os.Exit(run(ctrl.SetupSignalHandler(), os.Args[1:])) }

func run(ctx context.Context, args []string) int {
	options, flags, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(os.Stdout, "The manager of aliascheck. Its flags:")
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, "manager:", err)
		return exitBadUsage
	case options.showVersion:
		fmt.Fprintln(os.Stdout, version)
		return 0
	}

	silenceStandardLog()
	log := lazyLog(zap.New(zap.UseFlagOptions(&options.zap)))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	log.Info("Starting", "version", version)
	if err := runManager(ctx, options); err != nil {
		log.Error(err, "The manager ended")
		return exitFailed
	}
	return 0
}

// silenceStandardLog throws away what net/http writes to the logger of the standard library: bytes of a response that it
// did not expect are among that, and no part of a response reaches the log.
func silenceStandardLog() { stdlog.SetOutput(io.Discard) }

func buildInfo() prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "aliascheck_build_info",
		Help:        "1, labelled with the version of the manager.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	return info
}
