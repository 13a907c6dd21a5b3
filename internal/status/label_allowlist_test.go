package status

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestTheLabelsThatAreAllowedAreThoseOfAMetricOfTheirOwn(t *testing.T) {
	g := NewWithT(t)
	allowed, err := ParseLabelAllowlist("healthchecks=[team,app.kubernetes.io/name],aliaschecks=[team,costCenter]")
	g.Expect(err).NotTo(HaveOccurred())
	labels := map[string]string{"team": "cart", "app.kubernetes.io/name": "web", "costCenter": "42", "secret": "x"}
	check := &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Labels: labels}}
	alias := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "front", Labels: labels}}
	bare := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "bare"}}
	want := `
# HELP aliascheck_labels 1, with the labels of a check that --metric-labels-allowlist allows.
# TYPE aliascheck_labels gauge
aliascheck_labels{kind="AliasCheck",label_app_kubernetes_io_name="",label_cost_center="",label_team="",name="bare",namespace="shop"} 1
aliascheck_labels{kind="AliasCheck",label_app_kubernetes_io_name="",label_cost_center="42",label_team="cart",name="front",namespace="shop"} 1
aliascheck_labels{kind="HealthCheck",label_app_kubernetes_io_name="web",label_cost_center="",label_team="cart",name="web",namespace="shop"} 1
`
	g.Expect(testutil.CollectAndCompare(NewStateCollector(cacheOf(t, check, alias, bare), "", allowed), strings.NewReader(want), labelsName)).
		To(Succeed())
}

func TestAListThatIsNotUnderstoodSaysWhatIsRight(t *testing.T) {
	for list, want := range map[string]string{
		"team":                                  "such as aliaschecks=[team,tier]",
		"pods=[team]":                           "there are healthchecks and aliaschecks",
		"aliaschecks=[team],aliaschecks=[tier]": "each once",
		"aliaschecks=[*]":                       `"*" is not the key of a label`,
		"aliaschecks=[]":                        `"" is not the key of a label`,
		"aliaschecks=[a.b,a-b]":                 "both become label_a_b",
		"aliaschecks=[" + strings.Repeat("a,", maxMetricLabels) + "b]": "17 labels are more than 16",
	} {
		_, err := ParseLabelAllowlist(list)
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(want)), list)
	}
}
