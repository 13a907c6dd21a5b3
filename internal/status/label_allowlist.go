package status

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxMetricLabels bounds the labels of a kind that become labels of a metric.
const maxMetricLabels = 16

// LabelAllowlist says which labels of checks become labels of aliascheck_labels, by kind. The keys of a kind have no order.
type LabelAllowlist map[string][]string

// allowed is one entry of the list: the plural of a kind, and keys of labels.
var allowed = regexp.MustCompile(`^([a-z]+)=\[([^\[\]]*)\]$`)

// betweenEntries are the commas that are not within brackets: those behind one that closes.
var betweenEntries = regexp.MustCompile(`\],`)

// ParseLabelAllowlist reads a list as kube-state-metrics takes it: healthchecks=[team,app.kubernetes.io/name],aliaschecks=[team].
// It does not take *, which kube-state-metrics does: who may label a check would decide how large each scrape is.
func ParseLabelAllowlist(text string) (LabelAllowlist, error) {
	list := LabelAllowlist{}
	if text == "" {
		return list, nil
	}
	kinds := map[string]string{"healthchecks": HealthCheckKind.Kind, "aliaschecks": AliasCheckKind.Kind}
	for _, entry := range strings.Split(betweenEntries.ReplaceAllString(text, "]\n"), "\n") {
		found := allowed.FindStringSubmatch(entry)
		if found == nil {
			return nil, fmt.Errorf("%q is not a plural with keys of labels, such as aliaschecks=[team,tier]", entry)
		}
		kind, known := kinds[found[1]]
		if !known || list[kind] != nil {
			return nil, fmt.Errorf("%q: there are healthchecks and aliaschecks, each once", found[1])
		}
		keys := strings.Split(found[2], ",")
		if err := validKeys(keys); err != nil {
			return nil, fmt.Errorf("%s: %w", found[1], err)
		}
		list[kind] = keys
	}
	return list, namesDiffer(list)
}

func validKeys(keys []string) error {
	if len(keys) > maxMetricLabels {
		return fmt.Errorf("%d labels are more than %d", len(keys), maxMetricLabels)
	}
	for _, key := range keys {
		if problems := content.IsLabelKey(key); len(problems) > 0 {
			return fmt.Errorf("%q is not the key of a label: %s", key, problems[0])
		}
	}
	return nil
}

// namesDiffer reports keys that a metric could not tell apart.
func namesDiffer(list LabelAllowlist) error {
	byName := map[string]string{}
	for _, key := range list.keys() {
		name := metricLabel(key)
		if other, taken := byName[name]; taken {
			return fmt.Errorf("%s and %s both become %s: allow one of them", other, key, name)
		}
		byName[name] = key
	}
	return nil
}

// keys are those of all kinds, in order, each once.
func (l LabelAllowlist) keys() []string {
	all := map[string]bool{}
	for _, keys := range l {
		for _, key := range keys {
			all[key] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// values are those of a check for all keys. Of a key that its kind does not allow the value is empty, which to Prometheus is
// the same as no label.
func (l LabelAllowlist) values(kind string, check v1alpha1.Check, keys []string) []string {
	values := make([]string, len(keys))
	for i, key := range keys {
		if slices.Contains(l[kind], key) {
			values[i] = check.GetLabels()[key]
		}
	}
	return values
}

var (
	notInNames = regexp.MustCompile(`[^a-zA-Z0-9_]`)
	humps      = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// metricLabel is the name that kube-state-metrics gives to a label: label_ and the key in snake case.
func metricLabel(key string) string {
	key = humps.ReplaceAllString(notInNames.ReplaceAllString(key, "_"), "${1}_${2}")
	return "label_" + strings.ToLower(key)
}

func metricLabels(keys []string) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = metricLabel(key)
	}
	return names
}
