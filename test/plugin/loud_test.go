//go:build ui

package plugin

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func TestInABrowserAStaleLeaseIsLoudUntilItIsRenewed(t *testing.T) {
	g := NewWithT(t)
	installed(t, "sleeps")
	page := inChromium(t, opened(t, "--manager-namespace=sleeps"))
	page.eventually(shows(front, v1alpha1.StatePassing))
	page.eventually("document.getElementById('alarm').hidden")
	renewed := func(at time.Time) {
		lease := &coordinationv1.Lease{}
		g.Expect(api.Get(t.Context(), types.NamespacedName{Namespace: "sleeps", Name: "manager.health.aliascheck.dev"}, lease)).To(Succeed())
		lease.Spec.RenewTime = &metav1.MicroTime{Time: at}
		g.Expect(api.Update(t.Context(), lease)).To(Succeed())
	}
	renewed(time.Now().Add(-time.Hour))
	page.eventually(loud)
	g.Expect(page.text(alarm)).To(ContainSubstring("nobody leads: the-leader renewed the lease 60m ago, and all its states may be stale"))
	renewed(time.Now())
	page.eventually("document.getElementById('alarm').hidden && document.title === 'aliascheck'")
}

// The page reaches the API server by a wire that is cut, and mended. What breaks meanwhile cannot be shown, so it must not look well.
func TestInABrowserABrokenWatchIsLoudUntilItIsMended(t *testing.T) {
	g := NewWithT(t)
	installed(t, "wired")
	wire := cuttable(t)
	page := inChromium(t, opened(t, "--manager-namespace=wired", "--server=https://"+wire.address()))
	page.eventually(shows(front, v1alpha1.StatePassing))
	page.eventually("document.getElementById('alarm').hidden")
	wire.cut()
	page.eventually(loud)
	page.eventually(alarm + ".includes('the watch of this page is down') && " + alarm + ".includes('who leads cannot be read')")
	break503(t)
	g.Expect(page.eval(shows(front, v1alpha1.StatePassing) + " && " + loud)).To(Equal("true"))
	wire.mend()
	page.eventually(shows(front, v1alpha1.StateCritical))
	page.eventually("document.getElementById('alarm').hidden")
}

func TestInABrowserAPageWithoutItsServerIsLoud(t *testing.T) {
	installed(t, "ends")
	address, command := openedProcess(t, "--manager-namespace=ends")
	page := inChromium(t, address)
	page.eventually(shows(front, v1alpha1.StatePassing))
	page.eventually("document.getElementById('alarm').hidden")
	NewWithT(t).Expect(command.Process.Kill()).To(Succeed())
	page.eventually(loud)
	NewWithT(t).Expect(page.text(alarm)).To(ContainSubstring("This page has heard nothing for "))
}

// Who may list checks and nothing else sees them, live, with a note on what is missing.
func TestInABrowserWhoMayOnlyListChecksSeesThemAndIsToldWhatIsMissing(t *testing.T) {
	g := NewWithT(t)
	installed(t, "partly")
	viewer(t, "only-checks")
	page := inChromium(t, opened(t, "--manager-namespace=partly", "--as=only-checks"))
	page.eventually(shows(front, v1alpha1.StatePassing))
	g.Expect(page.text("document.getElementById('notes').textContent")).To(HavePrefix("Pods cannot be listed: "))
	g.Expect(page.text(alarm)).To(And(ContainSubstring("who leads cannot be read"), Not(ContainSubstring("the watch of this page"))))
	began := time.Now()
	break503(t)
	page.eventually(shows(front, v1alpha1.StateCritical))
	t.Logf("it showed %s after the service had broken", time.Since(began))
}

// wire passes on what comes to an address to the API server, until it is cut.
type wire struct {
	t        *testing.T
	listener net.Listener

	mu     sync.Mutex
	locked struct { // guarded by mu
		isCut bool
		ends  []net.Conn
	}
}

func cuttable(t *testing.T) *wire {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	w := &wire{t: t, listener: listener}
	server, err := url.Parse(plane.Config.Host)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	go w.accept(t.Context(), server.Host)
	t.Cleanup(func() { _ = listener.Close(); w.cut() })
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) accept(ctx context.Context, server string) {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !w.keep(near, far) {
			continue
		}
		go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
		go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
	}
}

func (w *wire) keep(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.locked.isCut {
		for _, end := range ends {
			_ = end.Close()
		}
		return false
	}
	w.locked.ends = append(w.locked.ends, ends...)
	return true
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locked.isCut = true
	for _, end := range w.locked.ends {
		_ = end.Close()
	}
	w.locked.ends = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locked.isCut = false
}
