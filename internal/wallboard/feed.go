package wallboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/health"
	"github.com/aliascheck/aliascheck/internal/sweep"
	"github.com/aliascheck/aliascheck/internal/tree"
)

const (
	// beat is how often the page hears from us when nothing changes, and how often the API server is asked for the lease.
	// A page that has heard nothing for three beats says so.
	beat = 2 * time.Second
	// watchTrouble is how long after its last error a watch counts as down.
	watchTrouble = 15 * time.Second
	// sweepInterval is how often what is cached is compared with the API server: a watch that is held back on its way says
	// nothing of that, and a page that is frozen must not look well.
	sweepInterval = 15 * time.Second
	// quiet is how long a change waits for those that follow from it, and maxQuiet where there is much to show.
	quiet, maxQuiet = 100 * time.Millisecond, 500 * time.Millisecond
)

// Options say what a page shows.
type Options struct {
	// Config of the API server; the page reads with its rights.
	Config *rest.Config
	// Namespace whose checks are shown; all where it is empty.
	Namespace string
	// ManagerNamespace is where the manager runs and has its lease. If it is empty the page ignores the lease: whoever
	// runs a manager without replicas sees by other means that it runs.
	ManagerNamespace string
}

// feed keeps what the page shows, and tells it to those that look.
type feed struct {
	namespace string
	manager   string // the namespace with its leases
	now       func() time.Time
	cache     cache.Cache
	reader    *reader // of the cache
	live      client.Client
	changed   chan struct{}

	mu     sync.Mutex
	locked struct { // guarded by mu
		snapshot   []byte // the last message, for those that come later
		listeners  map[chan []byte]bool
		watchError time.Time // of the last error of a watch
		watchText  string
	}
}

// snapshot is one message to the page.
type snapshot struct {
	At    time.Time    `json:"at"`
	Trees []*tree.Node `json:"trees"`
	// Loose are HealthChecks that no alias rests on.
	Loose []*tree.Node `json:"loose"`
	// Problems make what is shown doubtful: the own watch is down, nobody leads.
	Problems []string `json:"problems"`
	// Notes are incomplete parts, such as pods that may not be listed.
	Notes []string `json:"notes"`
}

func newFeed(o Options) (*feed, error) {
	f := &feed{
		namespace: o.Namespace,
		manager:   o.ManagerNamespace,
		now:       time.Now,
		changed:   make(chan struct{}, 1),
	}
	f.locked.listeners = map[chan []byte]bool{}
	options := cache.Options{
		Scheme:                       tree.Scheme(),
		DefaultTransform:             cache.TransformStripManagedFields(),
		DefaultUnsafeDisableDeepCopy: new(true),
		DefaultWatchErrorHandler: func(_ context.Context, r *toolscache.Reflector, err error) {
			if !harmless(r.TypeDescription(), err) {
				f.watchFailed(err)
			}
		},
	}
	if o.Namespace != "" {
		options.DefaultNamespaces = map[string]cache.Config{o.Namespace: {}}
	}
	sweeper, err := sweep.New(sweep.Options{Interval: sweepInterval, Scheme: options.Scheme, Log: logr.Discard()})
	if err != nil {
		return nil, fmt.Errorf("making a sweep: %w", err)
	}
	config := rest.CopyConfig(o.Config)
	if err := sweeper.Attach(config, &options); err != nil {
		return nil, err
	}
	if f.cache, err = cache.New(config, options); err != nil {
		return nil, fmt.Errorf("making a watch cache: %w", err)
	}
	f.reader = &reader{Reader: f.cache}
	if f.live, err = client.New(o.Config, client.Options{Scheme: options.Scheme}); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return f, nil
}

func (f *feed) watchFailed(err error) {
	f.mu.Lock()
	f.locked.watchError, f.locked.watchText = f.now(), health.OneLine(err.Error())
	f.mu.Unlock()
	f.wake()
}

// harmless reports whether an end of a watch is part of its life: the API server ended it, or had forgotten where it was, and it begins
// again. That Pods may not be read is a note of the page.
func harmless(kind string, err error) bool {
	return errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) ||
		kind == "*v1.Pod" && apierrors.IsForbidden(err)
}

func (f *feed) wake() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// run keeps the page fresh until ctx ends.
func (f *feed) run(ctx context.Context) {
	go func() { _ = f.cache.Start(ctx) }()
	for _, object := range []client.Object{&v1alpha1.HealthCheck{}, &v1alpha1.AliasCheck{}} {
		go f.follow(ctx, object)
	}
	for ctx.Err() == nil {
		began := f.now()
		f.publish(f.look(ctx))
		took := f.now().Sub(began)
		select {
		case <-ctx.Done():
		case <-time.After(beat):
		case <-f.changed:
			select { // what follows from the change comes with it
			case <-ctx.Done():
			case <-time.After(restAfter(took)):
			}
		}
	}
}

// restAfter is how long a change waits, after a look that took so long: the more there is to show, the more of its changes come
// together, within the second that the page promises.
func restAfter(took time.Duration) time.Duration { return min(max(quiet, 2*took), maxQuiet) }

func (f *feed) follow(ctx context.Context, object client.Object) {
	informer, err := f.cache.GetInformer(ctx, object)
	if err != nil {
		f.watchFailed(err)
		return
	}
	_, _ = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { f.wake() }, UpdateFunc: func(_, _ any) { f.wake() }, DeleteFunc: func(any) { f.wake() },
	})
}

// look is what the page shows now. The cache may be old; the problems say so.
func (f *feed) look(ctx context.Context) snapshot {
	s := snapshot{At: f.now(), Trees: []*tree.Node{}, Loose: []*tree.Node{}, Problems: []string{}, Notes: []string{}}
	reading, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	reached := make(chan []string, 1)
	go func() { reached <- f.reach(reading) }()
	f.reader.askForPods(reading, f.live, f.namespace, f.now())
	world, err := tree.Load(reading, f.reader, f.namespace, f.now())
	s.Problems = append(f.leadership(ctx, world), append(<-reached, f.watchProblems()...)...)
	if err != nil {
		s.Problems = append(s.Problems, "the checks cannot be read: "+health.OneLine(err.Error()))
		return s
	}
	s.Notes = append(s.Notes, world.Unread...)
	g := tree.NewGraph(world)
	under := map[tree.ID]bool{}
	for _, root := range g.Roots(f.namespace, labels.Everything()) {
		s.Trees = append(s.Trees, g.Tree(root))
		for below := range g.Below(root) {
			under[below] = true
		}
	}
	for id := range world.Checks {
		if !under[id] {
			s.Loose = append(s.Loose, g.Leaf(id))
		}
	}
	slices.SortFunc(s.Loose, func(a, b *tree.Node) int { return g.WorstFirst(a.ID, b.ID) })
	return s
}

func (f *feed) watchProblems() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.locked.watchError) < watchTrouble {
		return []string{"the watch of this page is down: " + f.locked.watchText}
	}
	return nil
}

// reach asks the API server for the least there is. A watch alone does not tell that it is cut off: its client goes on in silence until it
// has another connection.
func (f *feed) reach(ctx context.Context) []string {
	if err := f.live.List(ctx, &v1alpha1.HealthCheckList{}, client.InNamespace(f.namespace), client.Limit(1)); err != nil {
		return []string{"the watch of this page is down, for the API server cannot be asked: " + health.OneLine(err.Error())}
	}
	return nil
}

// leadership has the shards of the page's checks that nobody leads: their states may be stale.
func (f *feed) leadership(ctx context.Context, world *tree.World) []string {
	problems := []string{}
	if f.manager == "" {
		return problems
	}
	asking, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	leaders, err := tree.Leaders(asking, f.live, f.manager, world.Shards(), f.now())
	if err != nil {
		return append(problems, "who leads cannot be read: "+health.OneLine(err.Error()))
	}
	for _, found := range leaders {
		if found.Grave {
			problems = append(problems, health.OneLine(found.Text))
		}
	}
	return problems
}

func (f *feed) publish(s snapshot) {
	message, err := json.Marshal(s)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locked.snapshot = message
	for listener := range f.locked.listeners {
		select {
		case listener <- message:
		default: // it has not taken the last one yet; the next has all of it
		}
	}
}

// stream sends what there is, and then every change, as server-sent events.
func (f *feed) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	messages := make(chan []byte, 1)
	f.mu.Lock()
	f.locked.listeners[messages] = true
	if f.locked.snapshot != nil {
		messages <- f.locked.snapshot
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.locked.listeners, messages)
		f.mu.Unlock()
	}()
	for {
		select {
		case <-r.Context().Done():
			return
		case message := <-messages:
			if _, err := fmt.Fprintf(w, "data: %s\n\n", message); err != nil || control.Flush() != nil {
				return
			}
		}
	}
}

// aboutCheck is what the page shows of one check: what hangs on it, and its transitions as far as there are Events of them.
type aboutCheck struct {
	Impact tree.Impact  `json:"impact"`
	Events []transition `json:"events"`
	Advice string       `json:"advice"`
}

type transition struct {
	At   time.Time `json:"at"`
	Type string    `json:"type"`
	Note string    `json:"note"`
}

func (f *feed) about(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	id := tree.ID{Kind: query.Get("kind"), Namespace: query.Get("namespace"), Name: query.Get("name")}
	world, err := tree.Load(r.Context(), f.reader, f.namespace, f.now())
	if err != nil {
		http.Error(w, health.OneLine(err.Error()), http.StatusBadGateway)
		return
	}
	g := tree.NewGraph(world)
	about := aboutCheck{Impact: g.Impact(id), Events: f.eventsOf(r.Context(), id)}
	if check := g.Check(id); check != nil {
		about.Advice = tree.Advice(check.CommonStatus().Reason)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(about)
}

// maxEvents bounds what is read of the Events of one object.
const maxEvents = 200

// eventsOf are the transitions of a check, newest first. Users who may not read Events see no transitions.
func (f *feed) eventsOf(ctx context.Context, id tree.ID) []transition {
	list := &eventsv1.EventList{}
	transitions := []transition{}
	err := f.live.List(ctx, list, client.InNamespace(id.Namespace), client.Limit(maxEvents),
		client.MatchingFields{"regarding.kind": id.Kind, "regarding.name": id.Name})
	if err != nil {
		return transitions
	}
	for _, event := range list.Items {
		at := event.EventTime.Time
		if at.IsZero() {
			at = event.CreationTimestamp.Time
		}
		transitions = append(transitions, transition{at, event.Type, health.OneLine(event.Note)})
	}
	slices.SortFunc(transitions, func(a, b transition) int { return b.At.Compare(a.At) })
	return transitions
}
