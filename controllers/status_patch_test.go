package controllers

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestAStatusPatchIsForOneVersionAndReplacesAllOfTheStatus(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "shop", Name: "web", ResourceVersion: "8"} // of a cache that went on meanwhile
	common := v1alpha1.CheckStatus{State: v1alpha1.StatePassing, Reason: "ProbeResult"}
	for name, check := range map[string]client.Object{
		"HealthCheck": &v1alpha1.HealthCheck{ObjectMeta: meta, Status: v1alpha1.HealthCheckStatus{CheckStatus: common}},
		"AliasCheck":  &v1alpha1.AliasCheck{ObjectMeta: meta, Status: v1alpha1.AliasCheckStatus{CheckStatus: common}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			status, err := json.Marshal(wholeStatus(check))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(status)).To(ContainSubstring(`"reason":"ProbeResult"`))
			data, err := statusPatch{"7"}.Data(check)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(data).To(MatchJSON(`[
				{"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
				{"op": "add", "path": "/status", "value": ` + string(status) + `}
			]`))
		})
	}
}
