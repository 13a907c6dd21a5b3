package aliascheck

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target"
)

const (
	// crowd is how many aliases one lookup may find for each event. Those that find more are looked up once in gatherFor: with
	// hundreds of aliases that count hundreds of checks which flap, the edges of everybody would wait behind their product.
	crowd = 32
	// maxGathered is how many changed objects are remembered for that. Beyond it all that a lookup finds are concerned.
	maxGathered = 64
)

// lookup finds the aliases that an object concerns, by an index.
type lookup struct {
	// namespace of the aliases; empty for all.
	namespace  string
	field, key string
	// kind is that of the object, where it is an alias's selector that decides.
	kind v1alpha1.SelectorKind
}

// crowds turns edges into requests.
type crowds struct {
	edges aliasEdges
	// lookups are those of an object.
	lookups func(client.Object) []lookup

	mu sync.Mutex
	// open are the lookups that found a crowd within gatherFor, with what has changed since. It is guarded by mu.
	open map[lookup][]client.Object
}

func (e aliasEdges) through(lookups func(client.Object) []lookup) handler.EventHandler {
	return &crowds{edges: e, lookups: lookups, open: map[lookup][]client.Object{}}
}

// Create implements handler.EventHandler.
func (c *crowds) Create(ctx context.Context, e event.CreateEvent, q requestQueue) {
	c.changed(ctx, q, e.Object)
}

// Update implements handler.EventHandler. Those that counted the old object are told too.
func (c *crowds) Update(ctx context.Context, e event.UpdateEvent, q requestQueue) {
	c.changed(ctx, q, e.ObjectOld, e.ObjectNew)
}

// Delete implements handler.EventHandler.
func (c *crowds) Delete(ctx context.Context, e event.DeleteEvent, q requestQueue) {
	c.changed(ctx, q, e.Object)
}

// Generic implements handler.EventHandler.
func (c *crowds) Generic(ctx context.Context, e event.GenericEvent, q requestQueue) {
	c.changed(ctx, q, e.Object)
}

func (c *crowds) changed(ctx context.Context, q requestQueue, versions ...client.Object) {
	added := map[reconcile.Request]bool{}
	for _, object := range versions {
		for _, l := range c.lookups(object) {
			if c.gathers(l, object) {
				continue
			}
			if looked := c.add(ctx, q, l, []client.Object{object}, added); looked > crowd {
				c.begin(ctx, q, l)
			}
		}
	}
}

// gathers reports whether a lookup is made a little later, for this object too.
func (c *crowds) gathers(l lookup, object client.Object) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, open := c.open[l]
	if open && len(changed) <= maxGathered {
		c.open[l] = append(changed, object)
	}
	return open
}

func (c *crowds) begin(ctx context.Context, q requestQueue, l lookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := c.open[l]; !open {
		c.open[l] = nil
		time.AfterFunc(gatherFor, func() { c.end(ctx, q, l) })
	}
}

// end looks up what has changed meanwhile, and gathers on if that was anything.
func (c *crowds) end(ctx context.Context, q requestQueue, l lookup) {
	c.mu.Lock()
	changed := c.open[l]
	delete(c.open, l)
	c.mu.Unlock()
	if len(changed) > 0 && ctx.Err() == nil {
		c.begin(ctx, q, l)
		c.add(ctx, q, l, changed, map[reconcile.Request]bool{})
	}
}

// add asks for the aliases that any of the objects concerns, and returns how many it has looked at. Those that combine many
// wait for further changes.
func (c *crowds) add(
	ctx context.Context, q requestQueue, l lookup, objects []client.Object, added map[reconcile.Request]bool,
) (looked int) {
	concerned := func(alias *v1alpha1.AliasCheck) bool {
		looked++
		return c.edges.own(alias) && l.concerns(alias, objects)
	}
	for _, alias := range c.edges.list(ctx, concerned, l.options()...) {
		request := requestFor(alias)
		switch {
		case added[request]:
		case combines(alias):
			q.AddAfter(request, max(gatherFor, c.edges.rests.left(request.NamespacedName)))
		default:
			q.Add(request)
		}
		added[request] = true
	}
	return looked
}

func (l lookup) options() []client.ListOption {
	options := []client.ListOption{client.MatchingFields{l.field: l.key}}
	if l.namespace != "" {
		options = append(options, client.InNamespace(l.namespace))
	}
	return options
}

func (l lookup) concerns(alias *v1alpha1.AliasCheck, objects []client.Object) bool {
	if l.kind == "" || len(objects) > maxGathered {
		return true
	}
	for _, object := range objects {
		if target.Selects(alias, l.kind, object) {
			return true
		}
	}
	return false
}
