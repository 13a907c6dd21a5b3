//go:build ui

package plugin

import (
	"encoding/json"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// focus is where the focus is, as JavaScript: the object of an item, or the ID of another element.
const focus = "(document.activeElement.dataset.id ?? document.activeElement.id)"

// ringed says that the focus is drawn, as JavaScript: around the element, or around the row of an item.
const ringed = `(e => getComputedStyle(e.role === 'treeitem' ? e.firstElementChild : e))(document.activeElement).outlineStyle === 'solid'`

func TestInABrowserTheKeyboardIsEnough(t *testing.T) {
	g := NewWithT(t)
	page := inChromium(t, opened(t, "--all-namespaces=false", "--namespace=shop"))
	page.eventually(shows(front, v1alpha1.StatePassing))
	var stops []string
	for range 5 {
		page.press("Tab")
		stops = append(stops, page.text(focus))
		g.Expect(page.eval(ringed)).To(Equal("true"), page.text(focus))
	}
	g.Expect(stops).To(Equal([]string{"skip", "namespace", "state", "text", "AliasCheck/shop/lost"}), "the tree is one stop, at the worst")
	page.press("Tab")
	g.Expect(page.text(focus)).NotTo(ContainSubstring("shop"), "and Tab leaves it")

	page.eval("(document.getElementById('skip').click(), true)")
	for _, step := range []struct{ key, at string }{
		{"End", "HealthCheck/shop/web"}, {"ArrowUp", "AliasCheck/shop/needs-web"}, {"ArrowLeft", "AliasCheck/shop/needs-web"},
		{"ArrowDown", "AliasCheck/shop/needs-web"}, {"ArrowLeft", front}, {"ArrowDown", "AliasCheck/shop/needs-web"},
		{"ArrowRight", "AliasCheck/shop/needs-web"}, {"ArrowRight", "HealthCheck/shop/web"}, {"Home", "AliasCheck/shop/lost"},
		{"ArrowDown", "HealthCheck/shop/gone"}, {"ArrowDown", front},
	} {
		page.press(step.key)
		g.Expect(page.text(focus)).To(Equal(step.at), step.key)
		g.Expect(page.eval(ringed)).To(Equal("true"), step.key)
	}

	page.press("Enter")
	g.Expect(page.text(focus)).To(Equal("about"))
	page.eventually(detail + ".includes('Pod/shop/cart')")
	break503(t)
	page.eventually(detail + ".startsWith('Critical')")
	g.Expect(page.text(focus)).To(Equal("about"), "a page that changes keeps the focus")
	page.press("Tab")
	g.Expect(page.text(focus)).To(Equal("close"))
	page.press("Escape")
	g.Expect(page.text(focus)).To(Equal(front))
	g.Expect(page.eval("document.getElementById('detail').hidden && location.hash === '' && " + ringed)).To(Equal("true"))

	page.press("/", "l", "o", "s", "t")
	g.Expect(page.text(focus)).To(Equal("text"))
	g.Expect(page.eval("document.querySelectorAll('#tree > li').length")).To(Equal("1"))
}

// What is red moves to the top, and takes along who stands on it.
func TestInABrowserTheFocusStaysThroughALiveUpdate(t *testing.T) {
	g := NewWithT(t)
	page := inChromium(t, opened(t, "--all-namespaces=false", "--namespace=shop"))
	page.eventually(shows(front, v1alpha1.StatePassing))
	page.eval("(document.getElementById('skip').click(), true)")
	page.press("End")
	g.Expect(page.text(focus)).To(Equal("HealthCheck/shop/web"))
	break503(t)
	page.eventually(shows("HealthCheck/shop/web", v1alpha1.StateCritical))
	g.Expect(page.text("document.querySelector('#tree > li').dataset.id")).To(Equal(front))
	g.Expect(page.text(focus)).To(Equal("HealthCheck/shop/web"))
	g.Expect(page.eval(ringed)).To(Equal("true"))
	page.press("ArrowUp")
	g.Expect(page.text(focus)).To(Equal("AliasCheck/shop/needs-web"))
}

// heard is one element as a screen reader is given it.
type heard struct {
	Role, Name string
	Properties map[string]any
}

func (b *tab) heard() []heard {
	b.t.Helper()
	var nodes []heard
	NewWithT(b.t).Expect(json.Unmarshal([]byte(b.do(map[string]any{"heard": true})), &nodes)).To(Succeed())
	return nodes
}

func TestInABrowserAScreenReaderIsToldWhatThereIsToSee(t *testing.T) {
	g := NewWithT(t)
	break503(t)
	page := inChromium(t, opened(t, "--all-namespaces=false", "--namespace=shop"))
	page.eventually(shows(front, v1alpha1.StateCritical))
	page.eval(itemOf(front) + ".click()")
	page.eventually(detail + ".includes('Transitions')")
	nodes := page.heard()

	g.Expect(page.eval("document.documentElement.lang")).To(Equal(`"en"`))
	items := of(nodes, "treeitem")
	g.Expect(items).To(HaveLen(5))
	g.Expect(items).To(ContainElement(item(1, true, "Critical, AliasCheck shop/front, ProbeFailed")))
	g.Expect(items).To(ContainElement(item(2, true, "Critical, AliasCheck shop/needs-web, ProbeFailed")))
	g.Expect(items).To(ContainElement(And(HaveField("Name", HavePrefix("Critical, HealthCheck shop/web, culprit, ProbeFailed: GET ")),
		HaveField("Properties", And(HaveKeyWithValue("level", BeEquivalentTo(3)), Not(HaveKey("expanded")))))))
	g.Expect(items).To(ContainElement(HaveField("Name", "Critical, HealthCheck shop/gone, culprit, does not exist")))

	var headings []float64
	for _, heading := range of(nodes, "heading") {
		g.Expect(heading.Name).NotTo(BeEmpty())
		headings = append(headings, heading.Properties["level"].(float64))
	}
	slices.Sort(headings)
	g.Expect(slices.Compact(slices.Clone(headings))).To(Equal([]float64{1, 2, 3}))
	g.Expect(headings[1]).NotTo(BeEquivalentTo(1), "there is one of the first level")
	for _, role := range []string{"combobox", "searchbox", "button", "link", "tree", "search", "region"} {
		g.Expect(of(nodes, role)).NotTo(BeEmpty(), role)
		for _, node := range of(nodes, role) {
			g.Expect(node.Name).NotTo(BeEmpty(), role)
		}
	}
	for _, role := range []string{"main", "banner"} {
		g.Expect(of(nodes, role)).To(HaveLen(1), role)
	}
	g.Expect(of(nodes, "alert")).To(ConsistOf(HaveField("Properties", HaveKeyWithValue("live", "assertive"))))
	g.Expect(of(nodes, "status")).To(ConsistOf(HaveField("Properties", HaveKeyWithValue("live", "polite"))))
}

func TestInABrowserAScreenReaderIsToldWhatChanges(t *testing.T) {
	page := inChromium(t, opened(t, "--all-namespaces=false", "--namespace=shop"))
	page.eventually(shows(front, v1alpha1.StatePassing))
	NewWithT(t).Expect(page.text("document.getElementById('news').textContent")).To(BeEmpty(), "what was there is no news")
	page.eval(`(window.told = [], new MutationObserver(() => told.push(document.getElementById('news').textContent))
		.observe(document.getElementById('news'), {childList: true}))`)
	break503(t)
	page.eventually("told.join().includes('AliasCheck/shop/front is Critical')")
}

func of(nodes []heard, role string) []heard {
	return slices.DeleteFunc(slices.Clone(nodes), func(n heard) bool { return n.Role != role })
}

// item matches one of the tree that rests on others.
func item(level int, expanded bool, name string) any {
	return And(HaveField("Name", name), HaveField("Properties", And(
		HaveKeyWithValue("level", BeEquivalentTo(level)), HaveKeyWithValue("expanded", expanded))))
}

// tooFaint are the texts in view whose contrast is less than WCAG's 4.5 to 1, as JavaScript. What is behind a text is the colour of
// the nearest element that has one, all colours of a pattern, and for rows also what they have under the mouse.
const tooFaint = `(() => {
	const numbers = colour => colour.match(/[\d.]+/g).map(Number);
	const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
	const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
	const raised = numbers(getComputedStyle(document.getElementById('text')).backgroundColor);
	const behind = e => {
		const found = e.closest('.row') ? [raised] : [];
		for (; e; e = e.parentElement) {
			const style = getComputedStyle(e), colour = numbers(style.backgroundColor);
			found.push(...(style.backgroundImage.match(/rgba?\([^)]*\)/g) || []).map(numbers).filter(c => c[3] !== 0));
			if (colour[3] !== 0) return [...found, colour];
		}
		return found;
	};
	const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.checkVisibility();
	const texts = [...document.querySelectorAll('body *')].filter(own)
		.map(e => ({text: e.textContent.slice(0, 40), colour: getComputedStyle(e).color, behind: behind(e)}));
	texts.push({text: 'placeholder', colour: getComputedStyle(document.getElementById('text'), '::placeholder').color, behind: [raised]});
	return texts.map(t => t.text + ' ' + Math.min(...t.behind.map(b => contrast(numbers(t.colour), b))).toFixed(2))
		.filter(t => Number(t.split(' ').pop()) < 4.5);
})()`

// The pictures' test looks at the page when all is well, in both schemes.
func TestInABrowserAPageThatIsNotToBeTrustedCanStillBeRead(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		page := inChromium(t, opened(t), "-scheme="+scheme)
		page.eventually(shows(front, v1alpha1.StatePassing))
		page.eventually(loud)
		NewWithT(t).Expect(page.eval(tooFaint)).To(Equal("[]"), scheme)
	}
}
