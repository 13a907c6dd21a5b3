package target

import (
	"slices"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func aliasOf(ref v1alpha1.TargetReference) *v1alpha1.AliasCheck {
	alias := &v1alpha1.AliasCheck{}
	alias.Namespace, alias.Name = "home", "front"
	alias.Spec.TargetRef = &ref
	return alias
}

func TestATargetThatIsWrittenInTwoWaysIsOne(t *testing.T) {
	alias := aliasOf(v1alpha1.TargetReference{})
	alias.Spec.TargetRef = nil
	alias.Spec.Targets = []v1alpha1.TargetReference{
		{Name: "web"}, {Kind: "HealthCheck", Name: "web"}, {APIVersion: "health.aliascheck.dev/v1alpha1", Kind: "HealthCheck", Name: "web"},
		{Name: "web", Namespace: "home"},
		{Kind: "Service", Name: "web", ConditionType: "Ready"}, {APIVersion: "v1", Kind: "Service", Name: "web", ConditionType: "Ready", ConditionStatus: "True"},
		{Kind: "Service", Name: "web"}, {Kind: "Service", Name: "web", ConditionType: "Ready", ConditionStatus: "False"}, {Name: "web", Namespace: "shop"},
	}
	var names []string
	for _, ref := range ReferencesOf(alias) {
		names = append(names, ref.String()+" "+ref.ConditionType+string(ref.ConditionStatus))
	}
	want := []string{"HealthCheck/web ", "Service/web Ready", "Service/web ", "Service/web ReadyFalse", "HealthCheck/shop/web "}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestAReferenceIsShownInShortAndFoundByItsKeys(t *testing.T) {
	for shown, c := range map[string]struct {
		ref    v1alpha1.TargetReference
		keys   []string
		abroad []string
	}{
		"HealthCheck/web": {
			ref: v1alpha1.TargetReference{Name: "web"}, keys: []string{"HealthCheck.health.aliascheck.dev/home/web"}},
		"AliasCheck/web": {
			ref:  v1alpha1.TargetReference{Kind: "AliasCheck", Name: "web"},
			keys: []string{"AliasCheck.health.aliascheck.dev/home/web"}},
		"Service/shop/web": {
			ref:    v1alpha1.TargetReference{Kind: "Service", Name: "web", Namespace: "shop"},
			keys:   []string{"Service/shop/web"},
			abroad: []string{"shop"}},
		"Node/worker": {
			ref: v1alpha1.TargetReference{Kind: "Node", Name: "worker"}, keys: []string{"Node//worker"}},
		"Deployment/web": {
			ref:  v1alpha1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
			keys: []string{"Deployment.apps/home/web", "Deployment.apps//web"}},
		"Service/knative": {
			ref:  v1alpha1.TargetReference{APIVersion: "serving.knative.dev/v1", Kind: "Service", Name: "knative"},
			keys: []string{"Service.serving.knative.dev/home/knative", "Service.serving.knative.dev//knative"}},
		"Secret/s": {
			ref: v1alpha1.TargetReference{APIVersion: "v1", Kind: "Secret", Name: "s"}, keys: []string{"Secret/home/s"}},
	} {
		t.Run(shown, func(t *testing.T) {
			ref, ok := ReferenceOf(aliasOf(c.ref))
			if !ok || ref.String() != shown {
				t.Errorf("shown as %s", ref)
			}
			if got := targetKeys(ref); !slices.Equal(got, c.keys) {
				t.Errorf("keys %q, want %q", got, c.keys)
			}
			if got := foreignNamespace(ref); !slices.Equal(got, c.abroad) {
				t.Errorf("abroad %q, want %q", got, c.abroad)
			}
		})
	}
}

func TestAGrantAllowsWhatItNamesAndNothingElse(t *testing.T) {
	from := gatewayv1.ReferenceGrantFrom{Group: "health.aliascheck.dev", Kind: "AliasCheck", Namespace: "home"}
	to := gatewayv1.ReferenceGrantTo{Group: "", Kind: "Service"}
	for name, c := range map[string]struct {
		edit    func(*gatewayv1.ReferenceGrantSpec)
		allowed bool
	}{
		"the kind":            {func(*gatewayv1.ReferenceGrantSpec) {}, true},
		"the name":            {func(s *gatewayv1.ReferenceGrantSpec) { s.To[0].Name = new(gatewayv1.ObjectName("web")) }, true},
		"an empty name":       {func(s *gatewayv1.ReferenceGrantSpec) { s.To[0].Name = new(gatewayv1.ObjectName("")) }, true},
		"another name":        {func(s *gatewayv1.ReferenceGrantSpec) { s.To[0].Name = new(gatewayv1.ObjectName("db")) }, false},
		"another kind":        {func(s *gatewayv1.ReferenceGrantSpec) { s.To[0].Kind = "Secret" }, false},
		"another group":       {func(s *gatewayv1.ReferenceGrantSpec) { s.To[0].Group = "serving.knative.dev" }, false},
		"another namespace":   {func(s *gatewayv1.ReferenceGrantSpec) { s.From[0].Namespace = "elsewhere" }, false},
		"checks, not aliases": {func(s *gatewayv1.ReferenceGrantSpec) { s.From[0].Kind = "HealthCheck" }, false},
		"another referent":    {func(s *gatewayv1.ReferenceGrantSpec) { s.From[0].Kind = "HTTPRoute" }, false},
		"a foreign group":     {func(s *gatewayv1.ReferenceGrantSpec) { s.From[0].Group = "example.com" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			spec := gatewayv1.ReferenceGrantSpec{From: []gatewayv1.ReferenceGrantFrom{from}, To: []gatewayv1.ReferenceGrantTo{to}}
			c.edit(&spec)
			asked := passage{fromKind: "AliasCheck", fromNamespace: "home", to: ServiceKind, toNamespace: "shop", toName: "web"}
			if got := grantAllows(spec, asked); got != c.allowed {
				t.Errorf("allowed is %t", got)
			}
		})
	}
}
