package kinds

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

func TestAnObjectOfAKindHasTheHealthThatItsCommunityMeans(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(files).NotTo(BeEmpty())
	for _, file := range files {
		for _, c := range casesOf(t, file) {
			t.Run(file+"/"+c.Name, func(t *testing.T) {
				g := NewWithT(t)
				found := evidence.Of(&c.Object, rules.BuiltIn(c.Object.GroupVersionKind().GroupKind()))
				if found.State == "" {
					found.State = v1alpha1.StateUnknown
				}
				g.Expect(found.State).To(Equal(c.Expect.State), "%s: %s", found.Reason, found.Message)
				if c.Expect.Reason != "" {
					g.Expect(found.Reason).To(Equal(c.Expect.Reason), found.Message)
				}
			})
		}
	}
}

func casesOf(t *testing.T, file string) []Case {
	t.Helper()
	cases, err := Read(file)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return cases
}

func TestEveryKindWithBuiltInRulesHasItsCases(t *testing.T) {
	g := NewWithT(t)
	files, err := filepath.Glob("*.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	count := map[schema.GroupKind]int{}
	for _, file := range files {
		for _, c := range casesOf(t, file) {
			kind := c.Object.GroupVersionKind().GroupKind()
			count[kind]++
			count[schema.GroupKind{Group: kind.Group, Kind: "*"}]++
		}
	}
	all, err := rules.BuiltInRules()
	g.Expect(err).NotTo(HaveOccurred())
	var missing []string
	for _, rule := range all {
		kind := schema.GroupKind{Group: rule.Spec.Target.Group, Kind: rule.Spec.Target.Kind}
		if wanted := casesWanted(rule); count[kind] < wanted {
			missing = append(missing, fmt.Sprintf("%s has %d of %d", kind, count[kind], wanted))
		}
	}
	g.Expect(missing).To(BeEmpty())
}

// casesWanted is how many cases a kind with built-in rules has at least: one that is healthy, one that is sick, and one that
// is not there yet. A kind that is never sick needs none of the second; one of which existence says all needs one at all.
func casesWanted(rule v1alpha1.HealthRule) int {
	sick := slices.ContainsFunc(rule.Spec.Rules, func(r v1alpha1.Rule) bool { return r.State == v1alpha1.StateCritical })
	switch {
	case len(rule.Spec.Rules) == 1 && rule.Spec.Rules[0].Reason == "Exists":
		return 1
	case !sick:
		return 2
	default:
		return 3
	}
}
