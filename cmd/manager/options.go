package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/probe"
	"github.com/aliascheck/aliascheck/internal/shard"
	"github.com/aliascheck/aliascheck/internal/status"
	"github.com/aliascheck/aliascheck/internal/target"
)

// options are the flags of the manager.
type options struct {
	resyncInterval      time.Duration
	sweepInterval       time.Duration
	maxConcurrentProbes int
	allow, deny         []netip.Prefix
	methods             []string
	requireConsent      bool
	clusterScoped       []string
	readinessGates      bool
	namespaces          []string
	shard               shard.Shard

	leaderElect             bool
	leaderElectionNamespace string

	metricsAddress  string
	metricsSecure   bool
	metricsCertPath string
	metricLabels    status.LabelAllowlist
	healthAddress   string
	pprofAddress    string
	showVersion     bool
	zap             zap.Options
}

// maxProbes bounds --max-concurrent-probes: beyond it the machine runs out of file descriptors, not of workers.
const maxProbes = 100_000

// inClusterNamespace is the file in which a pod finds the name of its namespace.
const inClusterNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// parseOptions reads the command line. Its errors are one line, which names the flag and what is right.
func parseOptions(args []string) (*options, *flag.FlagSet, error) {
	o := &options{}
	var given texts
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the one line that is printed is main's
	flags.DurationVar(&o.resyncInterval, "resync-interval", time.Minute,
		"how often every check is looked at again, whatever events there were")
	flags.DurationVar(&o.sweepInterval, "sweep-interval", time.Minute,
		"how often the watch cache is compared with the API server")
	flags.IntVar(&o.maxConcurrentProbes, "max-concurrent-probes", 4096,
		"how many probes run at once, slow ones at most three quarters of it; a waiting one costs about 10 KiB, "+
			"one that hangs about 50 KiB and a file descriptor")
	flags.StringVar(&given.allow, "probe-allow-cidrs", "",
		"comma-separated CIDRs that probes may reach although they are loopback, link-local or the like")
	flags.StringVar(&given.deny, "probe-deny-cidrs", "", "comma-separated CIDRs that probes must not reach; wins over the allowed ones")
	flags.StringVar(&given.methods, "probe-methods", strings.Join(probe.ReadingMethods, ","),
		"comma-separated methods that HTTP probes may use; a body needs one that writes among them")
	flags.BoolVar(&o.requireConsent, "require-probe-consent", false,
		"probe names, ClusterIPs and endpoints of Services in other namespaces only where a ReferenceGrant there permits it")
	flags.StringVar(&given.clusterScoped, "cluster-scoped-targets", "Node",
		"comma-separated cluster-scoped kinds, as Kind or Kind.group, that aliases of all namespaces may refer to; "+
			"others need the label "+target.LabelClusterScoped+": "+target.Allowed+" on the namespace")
	flags.BoolVar(&o.readinessGates, "readiness-gates", true, "keep the readiness gates of pods")
	flags.StringVar(&given.namespaces, "namespaces", "", "comma-separated namespaces to work in (default all)")
	flags.StringVar(&given.shard, "shard", "",
		"name of the shard to work for: the checks and pods with the label "+v1alpha1.LabelShard+" of that value "+
			"(default those without the label)")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect a leader among the replicas; the others stand by with warm caches")
	flags.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "", "namespace of the lease (default the pod's own)")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "address of the metrics endpoint, such as :8443; 0 for none")
	flags.BoolVar(&o.metricsSecure, "metrics-secure", true, "serve metrics over TLS, to those whom RBAC lets read them")
	flags.StringVar(&o.metricsCertPath, "metrics-cert-path", "",
		"folder with tls.crt and tls.key for the metrics endpoint, read again when they change (default a certificate of its own)")
	flags.StringVar(&given.metricLabels, "metric-labels-allowlist", "",
		"labels of checks that become labels of the metric aliascheck_labels, as kube-state-metrics takes them: "+
			"healthchecks=[team],aliaschecks=[team,app.kubernetes.io/name] (default none)")
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 for none")
	flags.StringVar(&o.pprofAddress, "pprof-bind-address", "0",
		"address of /debug/pprof, such as 127.0.0.1:6060, for whoever reaches it; 0 for none")
	flags.BoolVar(&o.showVersion, "version", false, "print the version and exit")
	config.RegisterFlags(flags)
	o.zap.BindFlags(flags)

	if err := flags.Parse(args); err != nil {
		return nil, flags, err
	}
	if err := o.take(given); err != nil {
		return nil, flags, err
	}
	return o, flags, o.validate(flags)
}

// texts are flags as they are written.
type texts struct{ allow, deny, methods, clusterScoped, namespaces, shard, metricLabels string }

func (o *options) take(given texts) (err error) {
	if o.allow, err = probe.ParsePrefixes(given.allow); err != nil {
		return fmt.Errorf("--probe-allow-cidrs: %w", err)
	}
	if o.deny, err = probe.ParsePrefixes(given.deny); err != nil {
		return fmt.Errorf("--probe-deny-cidrs: %w", err)
	}
	if o.methods, err = probe.ParseMethods(given.methods); err != nil {
		return fmt.Errorf("--probe-methods: %w", err)
	}
	if o.clusterScoped, err = parseKinds(given.clusterScoped); err != nil {
		return fmt.Errorf("--cluster-scoped-targets: %w", err)
	}
	if o.namespaces, err = parseNamespaces(given.namespaces); err != nil {
		return fmt.Errorf("--namespaces: %w", err)
	}
	if o.shard, err = shard.Parse(given.shard); err != nil {
		return fmt.Errorf("--shard: %w", err)
	}
	if o.metricLabels, err = status.ParseLabelAllowlist(given.metricLabels); err != nil {
		return fmt.Errorf("--metric-labels-allowlist: %w", err)
	}
	return nil
}

func (o *options) validate(flags *flag.FlagSet) error {
	return cmp.Or(
		noArguments(flags.Args()),
		atLeast("--resync-interval", o.resyncInterval, time.Second),
		atLeast("--sweep-interval", o.sweepInterval, time.Second),
		o.validateProbes(),
		o.validateLeaderElection(),
		validateKubeconfig(flags),
		validateAddress("--metrics-bind-address", o.metricsAddress),
		validateAddress("--health-probe-bind-address", o.healthAddress),
		validateAddress("--pprof-bind-address", o.pprofAddress),
		validateCertificate("--metrics-cert-path", o.metricsCertPath),
	)
}

func noArguments(arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	return fmt.Errorf("unexpected argument %q: all options are flags, as in --resync-interval=1m", arguments[0])
}

func atLeast(name string, got, least time.Duration) error {
	if got >= least {
		return nil
	}
	return fmt.Errorf("%s is %s: it must be at least %s", name, got, least)
}

func (o *options) validateProbes() error {
	if o.maxConcurrentProbes < 1 || o.maxConcurrentProbes > maxProbes {
		return fmt.Errorf("--max-concurrent-probes is %d: it must be from 1 to %d", o.maxConcurrentProbes, maxProbes)
	}
	if o.requireConsent && len(o.namespaces) > 0 {
		return errors.New("--require-probe-consent needs all namespaces: " +
			"leave --namespaces out, or nobody knows which addresses are those of Services elsewhere")
	}
	return nil
}

func (o *options) validateLeaderElection() error {
	if !o.leaderElect || o.leaderElectionNamespace != "" {
		return nil
	}
	if _, err := os.Stat(inClusterNamespace); err != nil {
		return errors.New("--leader-elect needs --leader-election-namespace outside of a pod: it says where the lease is")
	}
	return nil
}

func validateKubeconfig(flags *flag.FlagSet) error {
	path := flags.Lookup(config.KubeconfigFlagName).Value.String()
	if path == "" {
		return nil
	}
	if _, err := clientcmd.LoadFromFile(path); err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	return nil
}

func validateAddress(name, address string) error {
	if address == "0" || address == "" {
		return nil
	}
	if _, err := net.ResolveTCPAddr("tcp", address); err != nil {
		return fmt.Errorf("%s is %q: it must be a host and a port, such as :8081 or 127.0.0.1:8081, or 0 for none", name, address)
	}
	return nil
}

func validateCertificate(name, folder string) error {
	if folder == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")); err != nil {
		return fmt.Errorf("%s is %q: it must be a folder with a certificate in tls.crt and its key in tls.key: %w", name, folder, err)
	}
	return nil
}

// kindName is the name of a kind, and its group where it has one.
var kindName = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(\.[a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$`)

func parseKinds(list string) ([]string, error) {
	if list == "" {
		return []string{}, nil
	}
	kinds := strings.Split(list, ",")
	for _, kind := range kinds {
		if !kindName.MatchString(kind) {
			return nil, fmt.Errorf("%q is not a kind, such as Node or ClusterIssuer.cert-manager.io", kind)
		}
	}
	return kinds, nil
}

func parseNamespaces(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if problems := content.IsDNS1123Label(name); len(problems) > 0 {
			return nil, fmt.Errorf("%q is not the name of a namespace: %s", name, problems[0])
		}
	}
	return names, nil
}
