// Chromium is not on every machine: `make test-ui` runs these tests, `make test` does not.
//go:build ui

package plugin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/controlplane"
	"github.com/aliascheck/aliascheck/internal/tree"
)

// tab is a page that is open in Chromium.
type tab struct {
	t       *testing.T
	in      io.Writer
	answers *bufio.Reader
}

// inChromium opens an address with the program of hack/tools/browser, until the test ends.
func inChromium(t *testing.T, address string, flags ...string) *tab {
	t.Helper()
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, filepath.Join(controlplane.Root(), "bin", "browser"), append(flags, address)...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	g.Expect(err).NotTo(HaveOccurred())
	out, err := command.StdoutPipe()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() {
		_ = in.Close() // it ends Chromium then
		_ = command.Wait()
		cancel()
	})
	return &tab{t, in, bufio.NewReader(out)}
}

func (b *tab) do(command map[string]any) string {
	b.t.Helper()
	g := NewWithT(b.t)
	g.Expect(json.NewEncoder(b.in).Encode(command)).To(Succeed())
	line, err := b.answers.ReadString('\n')
	g.Expect(err).NotTo(HaveOccurred())
	return line[:len(line)-1]
}

// eval is the value of an expression of JavaScript, as JSON.
func (b *tab) eval(expression string) string {
	b.t.Helper()
	return b.do(map[string]any{"eval": expression})
}

// text is the value of an expression that is a string.
func (b *tab) text(expression string) string {
	b.t.Helper()
	s := ""
	NewWithT(b.t).Expect(json.Unmarshal([]byte(b.eval(expression)), &s)).To(Succeed(), expression)
	return s
}

func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.do(map[string]any{"key": key})
	}
}

func (b *tab) eventually(expression string) {
	b.t.Helper()
	NewWithT(b.t).Eventually(func() string { return b.eval(expression) }, bound, "50ms").Should(Equal("true"), expression)
}

// itemOf is the first item of the tree for an object, as JavaScript, and rowOf the text of its row.
func itemOf(id string) string {
	return fmt.Sprintf(`document.querySelector('[role=treeitem][data-id=%q]')`, id)
}

func rowOf(id string) string { return "(" + itemOf(id) + "?.firstElementChild.textContent ?? '')" }

// shows says that the row of an object has a state, as JavaScript.
func shows(id string, state v1alpha1.State) string {
	return fmt.Sprintf("/^▾?%s/.test(%s)", state, rowOf(id))
}

const (
	front  = "AliasCheck/shop/front"
	detail = "document.getElementById('facts').textContent"
	alarm  = "document.getElementById('alarm').textContent"
)

// loud says that the page does not look healthy, as JavaScript: a banner in view, everything below it grey, another title.
const loud = `(a => !a.hidden && a.getBoundingClientRect().top >= 0 && a.getBoundingClientRect().bottom <= innerHeight)(document.getElementById('alarm')) &&
	getComputedStyle(document.querySelector('main')).filter === 'grayscale(1)' && document.title.includes('stale')`

func TestInABrowserAChangeShowsAndAClickSaysWhatHangsOnIt(t *testing.T) {
	g := NewWithT(t)
	page := inChromium(t, opened(t))
	page.eventually(shows(front, v1alpha1.StatePassing))
	g.Expect(page.eval(loud)).To(Equal("true"), "nobody leads")
	page.eval(itemOf(front) + ".click()")
	page.eventually(detail + ".includes('Pod/shop/cart')")
	g.Expect(page.text(detail)).To(And(HavePrefix("Passing"), Not(ContainSubstring("null"))))
	break503(t)
	page.eventually(shows(front, v1alpha1.StateCritical))
	page.eventually(detail + ".startsWith('Critical') && " + detail + ".includes('Passing → Critical')")
	g.Expect(page.text("document.querySelector('#tree > li .state').textContent")).To(Equal("Critical"), "worst first")
}

// The time is logged; the bound is generous to a busy machine.
func TestInABrowserAChangeShowsWithinASecondOfItsWrite(t *testing.T) {
	g := NewWithT(t)
	page := inChromium(t, opened(t))
	page.eventually(shows(front, v1alpha1.StatePassing))
	page.eval(`(window.turned = 0, new MutationObserver(() => { if (!turned && ` + shows(front, v1alpha1.StateCritical) + `) turned = Date.now(); })
		.observe(document.getElementById('tree'), {subtree: true, childList: true}))`)
	written := whenWritten(t, v1alpha1.StateCritical)
	break503(t)
	page.eventually("turned > 0")
	turned := int64(0)
	g.Expect(json.Unmarshal([]byte(page.eval("turned")), &turned)).To(Succeed())
	after := time.UnixMilli(turned).Sub(<-written)
	t.Logf("the page showed the state %s after it had been written", after)
	g.Expect(after).To(BeNumerically("<", 5*time.Second))
}

// whenWritten is when a watch, which begins before it returns, brings that the alias front has a state.
func whenWritten(t *testing.T, state v1alpha1.State) <-chan time.Time {
	t.Helper()
	g := NewWithT(t)
	watcher, err := client.NewWithWatch(plane.Config, client.Options{Scheme: tree.Scheme()})
	g.Expect(err).NotTo(HaveOccurred())
	watch, err := watcher.Watch(t.Context(), &v1alpha1.AliasCheckList{}, client.InNamespace("shop"), client.MatchingFields{"metadata.name": "front"})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(watch.Stop)
	written := make(chan time.Time, 1)
	go func() {
		for event := range watch.ResultChan() {
			if alias, is := event.Object.(*v1alpha1.AliasCheck); is && alias.Status.State == state {
				written <- time.Now()
				return
			}
		}
	}()
	return written
}

// What others choose the text of is text: the reason of a maintenance, on its own row, on that of an alias, in conditions and in Events.
func TestInABrowserHostileTextIsText(t *testing.T) {
	g := NewWithT(t)
	const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	check := object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: hostile, namespace: shop, labels: {team: "owned"}}
spec: {http: {url: "http://localhost"}, maintenance: {}}`)
	check.Object["spec"].(map[string]any)["maintenance"] = map[string]any{"reason": hostile}
	create(t, check)
	long := strings.Repeat("n", 230)
	create(t, object(t, fmt.Sprintf(`
apiVersion: health.aliascheck.dev/v1alpha1
kind: AliasCheck
metadata: {name: %s, namespace: shop}
spec: {targetRef: {name: hostile}}`, long)))
	page := inChromium(t, opened(t), "-width=390", "-height=700")
	for _, id := range []string{"HealthCheck/shop/hostile", "AliasCheck/shop/" + long} {
		page.eventually(shows(id, v1alpha1.StateMaintenance))
		page.eval(itemOf(id) + ".click()")
		page.eventually(detail + ".includes('<script>document.title=') && " + detail + ".includes('Transitions')")
		g.Expect(page.eval("document.documentElement.scrollWidth <= innerWidth")).To(Equal("true"), "nothing stands out at the side")
	}
	g.Expect(page.text(itemOf("HealthCheck/shop/hostile") + ".getAttribute('aria-label')")).To(ContainSubstring("<img src=x"))
	g.Expect(page.eval("[document.title.includes('owned'), document.images.length, document.scripts.length]")).To(Equal(`[false,0,1]`))
}

// 2,000 checks are all there, and what one reads stays where it is when something changes.
func TestInABrowser2000ChecksScroll(t *testing.T) {
	g := NewWithT(t)
	const many = 2000
	createMany(t, many)
	began := time.Now()
	page := inChromium(t, opened(t))
	page.eventually(fmt.Sprintf(`document.querySelectorAll('[data-id^="HealthCheck/many/"]').length === %d`, many))
	t.Logf("the page showed %d checks after %s", many, time.Since(began))
	last := itemOf("HealthCheck/many/c1999") + ".getBoundingClientRect()"
	g.Expect(page.eval(last+".top > innerHeight")).To(Equal("true"), "it is below the window")
	page.eval(itemOf("HealthCheck/many/c1999") + ".scrollIntoView({block: 'center'})")
	inView := last + ".bottom < innerHeight && " + last + ".top > 0 && scrollY > 10000"
	page.eventually(inView)
	break503(t)
	page.eventually(shows(front, v1alpha1.StateCritical))
	g.Expect(page.eval(last + ".bottom < innerHeight + 200 && " + last + ".top > -200 && scrollY > 10000")).To(Equal("true"))
	g.Expect(page.eval(loud)).To(Equal("true"), "the banner is in view far down too")
	page.eval("(document.getElementById('skip').click(), true)")
	page.press("Home", "End")
	g.Expect(page.eval("document.activeElement.getBoundingClientRect().bottom <= innerHeight && scrollY > 10000")).To(Equal("true"))
}

// createMany creates suspended checks, whose names end in their numbers, for a test.
func createMany(t *testing.T, many int) {
	t.Helper()
	g := NewWithT(t)
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "many"}})
	t.Cleanup(func() {
		g.Expect(api.DeleteAllOf(context.WithoutCancel(t.Context()), numbered(t, 0), client.InNamespace("many"))).To(Succeed())
	})
	var creating errgroup.Group
	creating.SetLimit(16)
	for i := range many {
		check := numbered(t, i)
		creating.Go(func() error { return api.Create(t.Context(), check) })
	}
	g.Expect(creating.Wait()).To(Succeed())
}

func numbered(t *testing.T, i int) *unstructured.Unstructured {
	t.Helper()
	return object(t, fmt.Sprintf(`
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: c%04d, namespace: many}
spec: {suspend: true, http: {url: "http://localhost"}}`, i))
}

// With SCREENSHOTS=docs/images it writes the pictures of the documentation.
func TestInABrowserThePageIsReadableInLightAndDarkAndOnAPhone(t *testing.T) {
	g := NewWithT(t)
	installed(t, "leads")
	break503(t)
	folder := t.TempDir()
	if given := os.Getenv("SCREENSHOTS"); given != "" {
		folder = filepath.Join(controlplane.Root(), given)
		g.Expect(os.MkdirAll(folder, 0o755)).To(Succeed())
	}
	address := opened(t, "--all-namespaces=false", "--namespace=shop", "--manager-namespace=leads")
	for name, flags := range map[string][]string{
		"page-light": {"-width=1000", "-height=420"},
		"page-dark":  {"-width=1000", "-height=420", "-scheme=dark"},
		"page-phone": {"-width=390", "-height=700"},
	} {
		page := inChromium(t, address, flags...)
		page.eventually(shows(front, v1alpha1.StateCritical))
		page.eventually("document.getElementById('alarm').hidden")
		g.Expect(page.eval("document.documentElement.scrollWidth <= innerWidth")).To(Equal("true"), "nothing stands out at the side: "+name)
		if name != "page-phone" {
			page.eval(itemOf(front) + ".click()")
			page.eventually(detail + ".includes('Next: ')")
		}
		g.Expect(page.eval(tooFaint)).To(Equal("[]"), name)
		page.do(map[string]any{"screenshot": filepath.Join(folder, name+".png")})
	}
	light, err := os.ReadFile(filepath.Join(folder, "page-light.png"))
	g.Expect(err).NotTo(HaveOccurred())
	dark, err := os.ReadFile(filepath.Join(folder, "page-dark.png"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(light).NotTo(Equal(dark))
}
