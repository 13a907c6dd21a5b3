package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// I2 and I3, the late writer: checks are edited, deleted and recreated while their probes hang. Each spec has a
// number in its URL which only grows; the older the spec, the later and the more wrongly its server answers.
func TestI2I3ALateWriterIsNeverSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startManager()
	server := newNumbered(t)
	checks := names("edited", 30)
	for _, name := range checks {
		r.create(r.numberedCheck(server, name, 0))
	}
	observer := r.observeNumbers()
	last := map[string]int{}
	began := time.Now()
	for edit := 1; edit <= rounds(500, 5000); edit++ {
		name := checks[rand.N(len(checks))]
		last[name] = edit
		server.supersede(name, edit)
		if rand.N(5) == 0 {
			r.delete(r.healthCheck(name))
			r.create(r.numberedCheck(server, name, edit))
			continue
		}
		r.redefine(name, server.url(name, edit))
	}
	t.Logf("edited for %s", time.Since(began).Round(time.Second))
	server.finish(last)
	for _, name := range checks {
		r.Eventually(func() v1alpha1.State { return r.check(name) }).Should(Equal(v1alpha1.StatePassing), name)
	}
	r.Expect(observer.end()).To(BeEmpty(), "results of an older spec after a newer one")
	r.Expect(server.overlaps()).To(BeEmpty(), "probes of one check at once")
	late, givenUp := server.late()
	r.t.Logf("%d wrong answers to an old spec, %d probes given up, %d results seen", late, givenUp, observer.results)
	r.Expect(late).To(BeNumerically(">", len(checks)), "no late result was there to be written")
	r.Expect(givenUp).To(BeNumerically(">", len(checks)), "no probe was slower than an obsolete one may be")
	r.Expect(observer.results).To(BeNumerically(">", len(checks)), "the observer has seen nothing")
}

func (r *rig) numberedCheck(server *numbered, name string, number int) *v1alpha1.HealthCheck {
	check := r.healthCheck(name)
	check.Spec.Timeout = &metav1.Duration{Duration: slowest - time.Second}
	check.Spec.Interval.Duration = slowest
	check.Spec.HTTP.URL = server.url(name, number)
	return check
}

// numbered answers old specs slowly and wrongly, and watches that no two probes of one check overlap.
type numbered struct {
	server *httptest.Server
	mu     sync.Mutex
	locked struct { // guarded by mu
		newest     map[string]int // once the edits are over
		current    map[string]int
		lateOnes   int
		givenUp    int
		running    map[string]map[*visit]struct{}
		overlapped []string
	}
}

// visit is one probe at the server.
type visit struct{ connection syscall.Conn }

type connectionKey struct{}

// asked reports whether anybody still wants the answer. A probe that the manager has given up has ended when its
// connection is closed, which the kernel knows at once, and the server's handler only some time later.
func (v *visit) asked() bool {
	established := false
	raw, err := v.connection.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(descriptor uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(descriptor), unix.IPPROTO_TCP, unix.TCP_INFO)
		established = err == nil && info.State == unix.BPF_TCP_ESTABLISHED
	})
	return err == nil && established
}

func newNumbered(t *testing.T) *numbered {
	n := &numbered{}
	n.locked.newest, n.locked.current = map[string]int{}, map[string]int{}
	n.locked.running = map[string]map[*visit]struct{}{}
	n.server = httptest.NewUnstartedServer(n)
	n.server.Config.ConnContext = func(ctx context.Context, connection net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, connection)
	}
	n.server.Start()
	t.Cleanup(n.server.Close)
	return n
}

func (n *numbered) url(name string, number int) string {
	return fmt.Sprintf("%s/%s/%d", n.server.URL, name, number)
}

// finish says which specs are the last; they are answered well.
func (n *numbered) finish(last map[string]int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.locked.newest = last
}

// supersede says that a spec is about to be replaced by one of a higher number.
func (n *numbered) supersede(name string, number int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.locked.current[name] = number
}

// slowest is longer than the timeout of the checks, and than an obsolete probe may take to end by itself.
const slowest = 3 * time.Second

// slowness is any up to the slowest while the specs change, so that what is asked about a spec is answered when it is
// an old one: late enough to be given up, or just not.
func (n *numbered) slowness(name string, number int) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if newest, finished := n.locked.newest[name]; finished && number == newest {
		return 0
	}
	return rand.N(slowest)
}

func (n *numbered) late() (answered, givenUp int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.locked.lateOnes, n.locked.givenUp
}

func (n *numbered) overlaps() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.locked.overlapped
}

func (n *numbered) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	name, text, _ := strings.Cut(strings.Trim(request.URL.Path, "/"), "/")
	number, _ := strconv.Atoi(text) // the test made it
	v := &visit{request.Context().Value(connectionKey{}).(syscall.Conn)}
	n.enter(v, name)
	select {
	case <-request.Context().Done():
	case <-time.After(n.slowness(name, number)):
	}
	if wrong := n.leave(v, name, number, request.Context().Err() != nil); wrong {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (n *numbered) enter(v *visit, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for other := range n.locked.running[name] {
		if other.asked() && v.asked() {
			n.locked.overlapped = append(n.locked.overlapped, name)
		}
	}
	if n.locked.running[name] == nil {
		n.locked.running[name] = map[*visit]struct{}{}
	}
	n.locked.running[name][v] = struct{}{}
}

// leave comes before the answer, which is when the manager may begin the next probe.
func (n *numbered) leave(v *visit, name string, number int, givenUp bool) (wrong bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.locked.running[name], v)
	if givenUp {
		n.locked.givenUp++
	} else if number < n.locked.current[name] {
		n.locked.lateOnes++
	}
	newest, finished := n.locked.newest[name]
	return number < n.locked.current[name] || finished && number < newest || !finished && number%2 == 1
}

// numberObserver watches the API, independently of the manager.
type numberObserver struct {
	cancel  context.CancelFunc
	done    chan struct{}
	results int
	late    []string
	specs   map[types.UID]map[int64]int // the number of each generation
	shown   map[string]int              // the number of the newest result, by name
}

var numberInMessage = regexp.MustCompile(`http://[^/]+/[^/]+/(\d+)`)

func (r *rig) observeNumbers() *numberObserver {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	watcher, err := direct.Watch(ctx, &v1alpha1.HealthCheckList{}, client.InNamespace(r.namespace))
	r.Expect(err).NotTo(HaveOccurred())
	o := &numberObserver{
		cancel: cancel, done: make(chan struct{}), specs: map[types.UID]map[int64]int{}, shown: map[string]int{},
	}
	go func() {
		defer close(o.done)
		for event := range watcher.ResultChan() {
			if check, ok := event.Object.(*v1alpha1.HealthCheck); ok && event.Type != watch.Deleted {
				o.see(check)
			}
		}
	}()
	return o
}

// end returns what was shown too late.
func (o *numberObserver) end() []string {
	o.cancel()
	<-o.done
	return o.late
}

func (o *numberObserver) see(check *v1alpha1.HealthCheck) {
	if o.specs[check.UID] == nil {
		o.specs[check.UID] = map[int64]int{}
	}
	o.specs[check.UID][check.Generation] = numberIn(check.Spec.HTTP.URL)
	number := numberIn(check.Status.Message)
	if number < 0 {
		return // no result yet
	}
	o.results++
	if number < o.shown[check.Name] {
		o.late = append(o.late, fmt.Sprintf("%s shows %d after %d", check.Name, number, o.shown[check.Name]))
	}
	o.shown[check.Name] = number
	if spec, known := o.specs[check.UID][check.Status.ObservedGeneration]; known && spec != number {
		o.late = append(o.late, fmt.Sprintf("%s shows %d as the result of %d", check.Name, number, spec))
	}
}

// numberIn is -1 if there is no number.
func numberIn(text string) int {
	found := numberInMessage.FindStringSubmatch(text)
	if found == nil {
		return -1
	}
	number, _ := strconv.Atoi(found[1]) // digits
	return number
}
