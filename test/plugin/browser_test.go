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
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/controlplane"
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

func (b *tab) do(command map[string]string) string {
	b.t.Helper()
	g := NewWithT(b.t)
	g.Expect(json.NewEncoder(b.in).Encode(command)).To(Succeed())
	line, err := b.answers.ReadString('\n')
	g.Expect(err).NotTo(HaveOccurred())
	return line[:len(line)-1]
}

// eval is the value of an expression of JavaScript, as JSON.
func (b *tab) eval(expression string) string { return b.do(map[string]string{"eval": expression}) }

func (b *tab) eventually(expression string) {
	b.t.Helper()
	NewWithT(b.t).Eventually(func() string { return b.eval(expression) }, bound, "50ms").Should(Equal("true"), expression)
}

// rowOf is the row of a check, as JavaScript.
func rowOf(name string) string {
	return fmt.Sprintf(`document.querySelector('button[data-id=%q]')?.closest('.row')?.textContent ?? ''`, name)
}

func TestInABrowserAChangeShowsAndAClickSaysWhatHangsOnIt(t *testing.T) {
	g := NewWithT(t)
	page := inChromium(t, opened(t))
	page.eventually("(" + rowOf("AliasCheck/shop/front") + ").startsWith('Passing')")
	g.Expect(page.eval("document.body.classList.contains('frozen') && !document.getElementById('alarm').hidden")).
		To(Equal("true"), "nobody leads, so it is grey under a banner")
	page.eval(`document.querySelector('button[data-id="AliasCheck/shop/front"]').click()`)
	page.eventually("document.getElementById('detail').textContent.includes('Pod/shop/cart')")
	g.Expect(page.eval("document.getElementById('detail').textContent")).NotTo(ContainSubstring("null"))
	break503(t)
	page.eventually("(" + rowOf("AliasCheck/shop/front") + ").startsWith('Critical')")
	g.Expect(page.eval("document.querySelector('#checks .root .row').textContent")).To(HavePrefix(`"Critical`), "worst first")
}

func TestInABrowserHostileTextIsText(t *testing.T) {
	g := NewWithT(t)
	const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	check := object(t, `
apiVersion: health.aliascheck.dev/v1alpha1
kind: HealthCheck
metadata: {name: hostile, namespace: shop}
spec: {http: {url: "http://localhost"}, maintenance: {}}`)
	check.Object["spec"].(map[string]any)["maintenance"] = map[string]any{"reason": hostile}
	create(t, check)
	page := inChromium(t, opened(t))
	page.eventually("(" + rowOf("HealthCheck/shop/hostile") + ").includes('<img src=x onerror=')")
	page.eval(`document.querySelector('button[data-id="HealthCheck/shop/hostile"]').click()`)
	page.eventually("document.getElementById('detail').textContent.includes('<script>document.title=')")
	g.Expect(page.eval("[document.title, document.images.length, document.scripts.length]")).To(Equal(`["aliascheck",0,1]`))
}

// 2,000 checks are all there, and what one reads stays where it is when something changes.
func TestInABrowser2000ChecksScroll(t *testing.T) {
	g := NewWithT(t)
	const many = 2000
	createMany(t, many)
	page := inChromium(t, opened(t))
	page.eventually(fmt.Sprintf(`document.querySelectorAll('button[data-id^="HealthCheck/many/"]').length === %d`, many))
	const last = `document.querySelector('button[data-id="HealthCheck/many/c1999"]').getBoundingClientRect()`
	g.Expect(page.eval(last+".top > innerHeight")).To(Equal("true"), "it is below the window")
	page.eval(`document.querySelector('button[data-id="HealthCheck/many/c1999"]').scrollIntoView({block: 'center'})`)
	page.eventually(last + ".bottom < innerHeight && " + last + ".top > 0 && scrollY > 10000")
	break503(t)
	page.eventually("(" + rowOf("AliasCheck/shop/front") + ").startsWith('Critical')")
	g.Expect(page.eval(last + ".bottom < innerHeight + 200 && " + last + ".top > -200 && scrollY > 10000")).To(Equal("true"))
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
		page.eventually("(" + rowOf("AliasCheck/shop/front") + ").startsWith('Critical')")
		page.eventually("document.getElementById('alarm').hidden")
		g.Expect(page.eval("document.documentElement.scrollWidth <= innerWidth")).To(Equal("true"), "nothing stands out at the side: "+name)
		if name != "page-phone" {
			page.eval(`document.querySelector('button[data-id="AliasCheck/shop/front"]').click()`)
			page.eventually("document.getElementById('detail').textContent.includes('Next: ')")
		}
		page.do(map[string]string{"screenshot": filepath.Join(folder, name+".png")})
	}
	light, err := os.ReadFile(filepath.Join(folder, "page-light.png"))
	g.Expect(err).NotTo(HaveOccurred())
	dark, err := os.ReadFile(filepath.Join(folder, "page-dark.png"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(light).NotTo(Equal(dark))
}
