package tree

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// ErrNotInstalled is said of a cluster without the kinds of checks.
var ErrNotInstalled = errors.New("aliascheck is not installed")

// World is what a command has read of a cluster, at one time.
type World struct {
	At     time.Time
	Checks map[ID]*v1alpha1.HealthCheck
	Alias  map[ID]*v1alpha1.AliasCheck
	// Pods are those with a readiness gate that follows an alias.
	Pods map[ID]*corev1.Pod
	// Unread are the kinds that the user may not list, each with why: what would be there may be missing in an answer.
	Unread []string
}

// Load reads the checks and gated pods of a namespace, or of all where it is empty. A target may be in another namespace,
// so the checks of all namespaces are read where the user may.
func Load(ctx context.Context, reader client.Reader, namespace string, now time.Time) (*World, error) {
	w := &World{
		At:     now,
		Checks: map[ID]*v1alpha1.HealthCheck{},
		Alias:  map[ID]*v1alpha1.AliasCheck{},
		Pods:   map[ID]*corev1.Pod{},
	}
	checks, aliases, pods := &v1alpha1.HealthCheckList{}, &v1alpha1.AliasCheckList{}, &corev1.PodList{}
	for _, list := range []client.ObjectList{checks, aliases} {
		err := listWide(ctx, reader, list, namespace)
		if meta.IsNoMatchError(err) {
			return nil, fmt.Errorf("%w: the API server knows no %s", ErrNotInstalled, kindOfList(list))
		}
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", kindOfList(list), err)
		}
	}
	if err := listWide(ctx, reader, pods, namespace); err != nil {
		w.Unread = append(w.Unread, fmt.Sprintf("Pods cannot be listed: %v", err))
	}
	for i := range checks.Items {
		w.Checks[IDOf(KindHealthCheck, &checks.Items[i])] = &checks.Items[i]
	}
	for i := range aliases.Items {
		w.Alias[IDOf(KindAliasCheck, &aliases.Items[i])] = &aliases.Items[i]
	}
	for i := range pods.Items {
		if len(gatesOf(&pods.Items[i])) > 0 {
			w.Pods[IDOf(KindPod, &pods.Items[i])] = &pods.Items[i]
		}
	}
	return w, nil
}

// All are the checks of both kinds.
func (w *World) All() iter.Seq2[ID, v1alpha1.Check] {
	return func(yield func(ID, v1alpha1.Check) bool) {
		for id, check := range w.Checks {
			if !yield(id, check) {
				return
			}
		}
		for id, alias := range w.Alias {
			if !yield(id, alias) {
				return
			}
		}
	}
}

// Scheme has the kinds that a World is read from.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(apiextensionsv1.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// listWide lists all namespaces, or the one where no more is allowed.
func listWide(ctx context.Context, reader client.Reader, list client.ObjectList, namespace string) error {
	err := reader.List(ctx, list)
	if namespace != "" && apierrors.IsForbidden(err) {
		return reader.List(ctx, list, client.InNamespace(namespace))
	}
	return err
}

func kindOfList(list client.ObjectList) string {
	name := fmt.Sprintf("%T", list)
	return strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "List") + "s"
}

// gatesOf are the names of the aliases that the readiness gates of a pod follow, in order.
func gatesOf(pod *corev1.Pod) []string {
	var names []string
	for _, gate := range pod.Spec.ReadinessGates {
		if name, ours := strings.CutPrefix(string(gate.ConditionType), v1alpha1.GroupVersion.Group+"/"); ours {
			names = append(names, name)
		}
	}
	return names
}

// gateCondition is the condition of a pod that belongs to a gate; nil where nobody has written it.
func gateCondition(pod *corev1.Pod, alias string) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if string(pod.Status.Conditions[i].Type) == v1alpha1.GroupVersion.Group+"/"+alias {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}
