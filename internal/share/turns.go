package share

// Turns is a queue in which namespaces take turns: however many items one has in it, the next of another namespace waits for
// one of each at most. Within a namespace the first to come is the first to go. It is a workqueue.Queue of client-go, and like
// those not safe for concurrent use.
type Turns[T any] struct {
	namespaceOf func(T) string
	waiting     map[string][]T
	// order has the namespaces that have items, the next first.
	order []string
	count int
}

// NewTurns is empty.
func NewTurns[T any](namespaceOf func(T) string) *Turns[T] {
	return &Turns[T]{namespaceOf: namespaceOf, waiting: map[string][]T{}}
}

// Touch implements workqueue.Queue: what is added again keeps its place.
func (t *Turns[T]) Touch(T) {}

// Len is how many items there are.
func (t *Turns[T]) Len() int { return t.count }

// Push adds an item.
func (t *Turns[T]) Push(item T) {
	namespace := t.namespaceOf(item)
	items := t.waiting[namespace]
	if len(items) == 0 {
		t.order = append(t.order, namespace)
	}
	t.waiting[namespace] = append(items, item)
	t.count++
}

// Pop takes the next item. There has to be one.
func (t *Turns[T]) Pop() T {
	namespace := t.order[0]
	t.order = t.order[1:]
	items := t.waiting[namespace]
	item := items[0]
	items[0] = *new(T) // the array is kept for a while
	t.count--
	if len(items) > 1 {
		t.waiting[namespace] = items[1:]
		t.order = append(t.order, namespace)
	} else {
		delete(t.waiting, namespace)
	}
	return item
}

// DropLatest drops the latest item of the namespace that has the most. There has to be a namespace with two.
func (t *Turns[T]) DropLatest() {
	most := t.order[0]
	for _, namespace := range t.order {
		if len(t.waiting[namespace]) > len(t.waiting[most]) {
			most = namespace
		}
	}
	items := t.waiting[most]
	items[len(items)-1] = *new(T)
	t.waiting[most] = items[:len(items)-1]
	t.count--
}
