package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/test/blackbox"
)

// life is a namespace with a manager in it that can be held, so that the time before its next write has no end.
type life struct {
	*WithT
	ctx       context.Context
	namespace string
	manager   *blackbox.Manager
}

func begin(t *testing.T, flags ...string) life {
	t.Helper()
	namespace := newNamespace(t)
	l := life{NewWithT(t), t.Context(), namespace, started(t, append(flags, "--namespaces="+namespace)...)}
	t.Cleanup(func() { NewWithT(t).Expect(l.manager.Stop()).To(Succeed()) })
	return l
}

func (l life) hold()    { l.Expect(l.manager.Signal(syscall.SIGSTOP)).To(Succeed()) }
func (l life) proceed() { l.Expect(l.manager.Signal(syscall.SIGCONT)).To(Succeed()) }

// create makes an object of the namespace, and returns it.
func (l life) create(manifest string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	l.Expect(yaml.Unmarshal([]byte(manifest), &object.Object)).To(Succeed())
	object.SetAPIVersion("health.aliascheck.dev/v1alpha1")
	object.SetNamespace(l.namespace)
	l.Expect(api.Create(l.ctx, object)).To(Succeed())
	return object
}

func (l life) edit(object *unstructured.Unstructured, patch string) {
	l.Expect(api.Patch(l.ctx, object.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// of is what kstatus makes of an object as the API server has it now.
func (l life) statusOf(object *unstructured.Unstructured) func() (status.Status, error) {
	return func() (status.Status, error) {
		live := object.DeepCopy()
		if err := api.Get(l.ctx, client.ObjectKeyFromObject(object), live); err != nil {
			return "", err
		}
		result, err := status.Compute(live)
		if err != nil {
			return "", err
		}
		return result.Status, nil
	}
}

func (l life) now(object *unstructured.Unstructured) status.Status {
	computed, err := l.statusOf(object)()
	l.Expect(err).NotTo(HaveOccurred())
	return computed
}

func (l life) soon(object *unstructured.Unstructured, wanted status.Status) {
	l.Eventually(l.statusOf(object)).WithTimeout(patience).WithPolling(50 * time.Millisecond).Should(Equal(wanted))
}

// subject is a server which is well or not, as told.
func subject(t *testing.T) (url string, well *atomic.Bool) {
	t.Helper()
	well = &atomic.Bool{}
	well.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !well.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, well
}

func TestKstatusFollowsChecksThroughTheirLife(t *testing.T) {
	url, well := subject(t)
	l := begin(t)

	l.hold()
	check := l.create(`{kind: HealthCheck, metadata: {name: web}, spec: {interval: 1s, failureThreshold: 1, http: {url: "` + url + `"}}}`)
	alias := l.create(`{kind: AliasCheck, metadata: {name: front}, spec: {targetRef: {name: web}}}`)
	l.Expect(l.now(check)).To(Equal(status.InProgressStatus), "a check that nobody has looked at")
	l.Expect(l.now(alias)).To(Equal(status.InProgressStatus), "an alias that nobody has looked at")

	l.proceed()
	l.soon(check, status.CurrentStatus)
	l.soon(alias, status.CurrentStatus)

	l.hold()
	l.edit(check, `{"spec":{"interval":"2s"}}`)
	l.edit(alias, `{"spec":{"whenMissing":"Warning"}}`)
	l.Expect(l.now(check)).To(Equal(status.InProgressStatus), "a check whose edit nobody has seen")
	l.Expect(l.now(alias)).To(Equal(status.InProgressStatus), "an alias whose edit nobody has seen")

	l.proceed()
	l.soon(check, status.CurrentStatus)
	l.soon(alias, status.CurrentStatus)

	well.Store(false)
	l.soon(check, status.InProgressStatus)
	l.soon(alias, status.InProgressStatus)
	well.Store(true)
	l.soon(check, status.CurrentStatus)
	l.soon(alias, status.CurrentStatus)
}

func TestKstatusFailsAnAliasThatNoRetryCanMend(t *testing.T) {
	url, _ := subject(t)
	l := begin(t)
	l.create(`{kind: HealthCheck, metadata: {name: web}, spec: {http: {url: "` + url + `"}}}`)
	ring := l.create(`{kind: AliasCheck, metadata: {name: ring}, spec: {targetRef: {kind: AliasCheck, name: ring}}}`)
	secret := l.create(`{kind: AliasCheck, metadata: {name: secret}, spec: {targetRef: {apiVersion: v1, kind: Secret, name: s}}}`)
	missing := l.create(`{kind: AliasCheck, metadata: {name: missing}, spec: {targetRef: {name: nobody}}}`)

	l.soon(ring, status.FailedStatus)
	l.soon(secret, status.FailedStatus)
	l.Expect(l.now(missing)).To(Equal(status.InProgressStatus), "a target that may yet come")

	l.edit(ring, `{"spec":{"targetRef":{"kind":"HealthCheck","name":"web"}}}`)
	l.soon(ring, status.CurrentStatus)
}
