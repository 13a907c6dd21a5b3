package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// namespace of all objects.
const namespace = "default"

// baselineGroup has copies of both CRDs, which no manager watches: baselines work on objects of the same
// size, on the same server, and nobody follows them.
var baselineGroup = schema.GroupVersion{Group: "baseline.aliascheck.dev", Version: v1alpha1.GroupVersion.Version}

// world is a control plane of one section, and what is needed to act on it.
type world struct {
	bench *bench
	plane *controlplane.ControlPlane
	dir   string

	// product and baseline write objects of the two groups.
	product, baseline client.WithWatch
	metadata          metadata.Interface
	// rest sends bytes as they are.
	rest    rest.Interface
	subject *subject

	cleanups []func()
}

func newWorld(b *bench) (*world, error) { return newWorldWith(b, nil) }

func newWorldWithManager(ctx context.Context, b *bench) (*world, *manager, error) {
	w, err := newWorld(b)
	if err != nil {
		return nil, nil, err
	}
	m, err := w.startManager(ctx)
	if err != nil {
		w.close()
		return nil, nil, err
	}
	return w, m, nil
}

// newWatchedWorld has a manager, and n checks and as many aliases that it watches over, of which none changes.
func newWatchedWorld(ctx context.Context, b *bench, n int) (*world, *manager, error) {
	w, m, err := newWorldWithManager(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	if err := w.populate(ctx, n); err != nil {
		w.close()
		return nil, nil, err
	}
	return w, m, nil
}

// newWorldWith has an API server with these flags.
func newWorldWith(b *bench, flags func(dir string) (map[string]string, error)) (*world, error) {
	w := &world{bench: b}
	if err := w.start(flags); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) start(flags func(dir string) (map[string]string, error)) (err error) {
	if w.dir, err = os.MkdirTemp("", "aliascheck-bench-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	w.cleanup(func() { _ = os.RemoveAll(w.dir) })
	copies, err := baselineCRDs(w.dir)
	if err != nil {
		return err
	}
	options := controlplane.Options{CRDs: copies}
	if flags != nil {
		if options.APIServerFlags, err = flags(w.dir); err != nil {
			return err
		}
	}
	if w.plane, err = controlplane.Start(options); err != nil {
		return err
	}
	w.cleanup(func() { _ = w.plane.Stop() })
	if w.subject, err = startSubject(); err != nil {
		return err
	}
	w.cleanup(w.subject.close)
	return w.connect()
}

func (w *world) connect() (err error) {
	if w.product, err = clientOf(w.plane.Config, v1alpha1.GroupVersion); err != nil {
		return err
	}
	if w.baseline, err = clientOf(w.plane.Config, baselineGroup); err != nil {
		return err
	}
	if w.metadata, err = metadata.NewForConfig(w.plane.Config); err != nil {
		return fmt.Errorf("making a metadata client: %w", err)
	}
	w.rest, err = restClient(w.plane.Config)
	return err
}

func restClient(config *rest.Config) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	raw, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a REST client: %w", err)
	}
	return raw, nil
}

// baselineCRDs writes copies of the CRDs in the group of the baselines.
func baselineCRDs(dir string) ([]string, error) {
	originals, err := filepath.Glob(filepath.Join(controlplane.Root(), "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return nil, err
	}
	var copies []string
	for _, original := range originals {
		content, err := os.ReadFile(original)
		if err != nil {
			return nil, fmt.Errorf("reading a CRD: %w", err)
		}
		path := filepath.Join(dir, filepath.Base(original))
		regrouped := strings.ReplaceAll(string(content), v1alpha1.GroupVersion.Group, baselineGroup.Group)
		if err := os.WriteFile(path, []byte(regrouped), 0o600); err != nil {
			return nil, fmt.Errorf("writing the copy of a CRD: %w", err)
		}
		copies = append(copies, path)
	}
	return copies, nil
}

// schemeOf has both kinds in this group.
func schemeOf(group schema.GroupVersion) *runtime.Scheme {
	s := runtime.NewScheme()
	s.AddKnownTypes(group, &v1alpha1.HealthCheck{}, &v1alpha1.HealthCheckList{}, &v1alpha1.AliasCheck{}, &v1alpha1.AliasCheckList{})
	metav1.AddToGroupVersion(s, group)
	return s
}

func clientOf(config *rest.Config, group schema.GroupVersion) (client.WithWatch, error) {
	c, err := client.NewWithWatch(config, client.Options{Scheme: schemeOf(group)})
	if err != nil {
		return nil, fmt.Errorf("making a client of %s: %w", group, err)
	}
	return c, nil
}

// cleanup is called when the world ends, in reverse order.
func (w *world) cleanup(f func()) { w.cleanups = append(w.cleanups, f) }

func (w *world) close() {
	for _, f := range slices.Backward(w.cleanups) {
		f()
	}
	w.cleanups = nil
}

// writers is how many writes are under way at once: as many as the manager has workers for aliases.
const writers = 64

// times calls a function with 0 to n-1, many at once.
func times(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range n {
		if running.Err() != nil {
			break
		}
		group.Go(func() error { return f(running, i) })
	}
	return errors.Join(group.Wait(), ctx.Err())
}

// patchStatus sends a merge patch of a status, and does not even decode the answer.
func patchStatus(ctx context.Context, raw rest.Interface, kind schema.GroupVersionResource, name string, body []byte) error {
	path := fmt.Sprintf("/apis/%s/%s/namespaces/%s/%s/%s/status", kind.Group, kind.Version, namespace, kind.Resource, name)
	if err := raw.Patch(types.MergePatchType).AbsPath(path).Body(body).Do(ctx).Error(); err != nil {
		return fmt.Errorf("patching the status of %s: %w", name, err)
	}
	return nil
}
