package plugin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// right is one that the manager needs for what there is.
type right struct {
	schema.GroupResource
	subresource string
}

// String names it as RBAC does.
func (r right) String() string {
	if r.subresource == "" {
		return r.GroupResource.String()
	}
	return schema.GroupResource{Group: r.Group, Resource: r.Resource + "/" + r.subresource}.String()
}

// demand is what is to be done with a right, and in which namespaces. That of what is cluster-scoped is empty.
type demand struct {
	verbs      []string
	namespaces map[string]bool
}

type demands map[right]demand

func (d demands) add(r right, namespace string, verbs ...string) {
	if d[r].namespaces == nil {
		d[r] = demand{verbs, map[string]bool{}}
	}
	d[r].namespaces[namespace] = true
}

// rightsFindings are the rights that the manager lacks, by what the API server says of its ServiceAccount. To who may not ask that,
// only the aliases tell, by the reason KindForbidden.
func rightsFindings(ctx context.Context, c client.Client, w *tree.World, manager types.NamespacedName) []tree.Finding {
	if err := c.Get(ctx, manager, &corev1.ServiceAccount{}); apierrors.IsNotFound(err) {
		return []tree.Finding{tree.Fine(fmt.Sprintf("the rights of the manager are not known: there is no ServiceAccount %s in namespace %s (--manager-service-account names another)",
			manager.Name, manager.Namespace))}
	}
	asker := asker{c, serviceaccount.MakeUsername(manager.Namespace, manager.Name),
		append(serviceaccount.MakeGroupNames(manager.Namespace), user.AllAuthenticated)}
	var findings []tree.Finding
	needed := demandsOf(w, c.RESTMapper())
	for _, r := range slices.SortedFunc(maps.Keys(needed), func(a, b right) int { return cmp.Compare(a.String(), b.String()) }) {
		lacking, where, err := asker.lacks(ctx, r, needed[r])
		switch {
		case err != nil:
			return append(findings, tree.Fine(fmt.Sprintf("the rights of the manager cannot be asked for: %v", err)))
		case len(lacking) > 0:
			findings = append(findings, tree.Wrong(fmt.Sprintf("the manager may not %s %s%s", strings.Join(lacking, ", "), r, where)))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, tree.Fine(fmt.Sprintf("the manager has the %d rights that it needs for what there is", len(needed))))
	}
	return findings
}

// demandsOf are what the manager needs for the checks, the kinds that aliases refer to, and the pods with gates.
func demandsOf(w *tree.World, mapper meta.RESTMapper) demands {
	needed := demands{}
	for id, check := range w.All() {
		resource := schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "healthchecks"}
		if alias, is := check.(*v1alpha1.AliasCheck); is {
			resource.Resource = "aliaschecks"
			needed.addTargets(alias, mapper)
		}
		needed.add(right{resource, ""}, id.Namespace, "get", "list", "watch")
		needed.add(right{resource, "status"}, id.Namespace, "update")
		needed.add(right{schema.GroupResource{Group: "events.k8s.io", Resource: "events"}, ""}, id.Namespace, "create")
	}
	for id := range w.Pods {
		needed.add(right{schema.GroupResource{Resource: "pods"}, "status"}, id.Namespace, "patch")
	}
	return needed
}

// addTargets adds the kinds that an alias refers to. Of one that is not installed its status tells; so it does of Secrets and
// ConfigMaps, which the manager never reads.
func (d demands) addTargets(alias *v1alpha1.AliasCheck, mapper meta.RESTMapper) {
	for _, ref := range target.ReferencesOf(alias) {
		mapping, err := mapper.RESTMapping(ref.GroupKind(), ref.Version)
		if err != nil || ref.Group == "" && (ref.Kind == "Secret" || ref.Kind == "ConfigMap") {
			continue
		}
		namespace := ref.Namespace
		if mapping.Scope.Name() == meta.RESTScopeNameRoot {
			namespace = ""
		}
		d.add(right{mapping.Resource.GroupResource(), ""}, namespace, "get", "list", "watch")
	}
}

// asker asks the API server what a user may do. That writes nothing: a review is an answer, and is not stored.
type asker struct {
	client client.Client
	user   string
	groups []string
}

// lacks are the verbs that the user does not have everywhere, and in which namespace. A manager may work in some namespaces only, so
// each that matters is asked for where the right is not given in the whole cluster.
func (a asker) lacks(ctx context.Context, r right, d demand) (verbs []string, where string, err error) {
	lacking, err := a.lacksIn(ctx, r, d.verbs, "")
	if err != nil || len(lacking) == 0 || d.namespaces[""] {
		return lacking, "", err
	}
	for _, namespace := range slices.Sorted(maps.Keys(d.namespaces)) {
		lacking, err := a.lacksIn(ctx, r, d.verbs, namespace)
		if err != nil || len(lacking) > 0 {
			return lacking, " in namespace " + namespace, err
		}
	}
	return nil, "", nil
}

func (a asker) lacksIn(ctx context.Context, r right, verbs []string, namespace string) ([]string, error) {
	var lacking []string
	for _, verb := range verbs {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: a.user, Groups: a.groups,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: verb, Group: r.Group, Resource: r.Resource, Subresource: r.subresource,
			},
		}}
		if err := a.client.Create(ctx, review); err != nil {
			return nil, err
		}
		if !review.Status.Allowed {
			lacking = append(lacking, verb)
		}
	}
	return lacking, nil
}
