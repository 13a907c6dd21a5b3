package faults

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// targets are made to be healthy, and sick.
var targets = map[string]func(*rig) (healthy, sick func(), reference v1alpha1.TargetReference){
	"services":       (*rig).maintainedService,
	"endpointslices": (*rig).servedService,
	"nodes":          (*rig).node,
	"deployments":    (*rig).deployment,
	"healthrules":    (*rig).ruledGauge,
}

// I1, for targets of other kinds: whatever their watch loses, the alias is right within the interval.
func TestI1AnAliasIsRightWithinTheIntervalThoughItsTargetsFramesAreSwallowed(t *testing.T) {
	for resource, target := range targets {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alternate := r.mirror(target)
			r.startManager()
			r.Eventually(r.mirrored).Should(Equal(v1alpha1.StatePassing))
			r.proxy.Set(lost(resource))
			alternate()
			r.Expect(r.proxy.FramesHit()).To(BeNumerically(">", 0), "no frame was swallowed")
		})
	}
}

// held is what a proxy that buffers does: nothing comes through any stream, of new watches neither, while lists do.
var held = proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Freeze, Initial: true}}}

// I1, where no stream delivers from the first start on: of the checks, and of targets that are watched since an alias
// names them.
func TestI1AnAliasIsRightWithinTheIntervalThoughNoStreamEverDelivers(t *testing.T) {
	for resource, target := range targets {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			alternate := r.mirror(target)
			r.proxy.Set(held)
			r.startManager()
			r.Eventually(r.mirrored).Should(Equal(v1alpha1.StatePassing))
			alternate()
		})
	}
}

// mirror makes an alias of a healthy target, and returns what makes the target sick and healthy, twice.
func (r *rig) mirror(target func(*rig) (healthy, sick func(), reference v1alpha1.TargetReference)) (alternate func()) {
	r.t.Helper()
	healthy, sick, reference := target(r)
	alias := r.aliasOf("mirror")
	alias.Spec.TargetRef = &reference
	alias.Spec.WhenEmpty = v1alpha1.StatePassing // the Service of this test has nothing else to say
	healthy()
	r.create(alias)
	return func() {
		for range 2 {
			began := r.now()
			sick()
			r.Eventually(r.mirrored).ShouldNot(Equal(v1alpha1.StatePassing))
			r.Expect(time.Since(began.at)).To(BeNumerically("<=", hops(1)), "right, but too late")
			r.logRepair(began)
			began = r.now()
			healthy()
			r.Eventually(r.mirrored).Should(Equal(v1alpha1.StatePassing))
			r.Expect(time.Since(began.at)).To(BeNumerically("<=", hops(1)), "right, but too late")
			r.logRepair(began)
		}
	}
}

func (r *rig) mirrored() v1alpha1.State { return r.alias("mirror") }

func (r *rig) patch(object client.Object, patch string) func() {
	return func() { r.Expect(direct.Patch(r.ctx, object, rawPatch(patch))).To(Succeed()) }
}

func (r *rig) patchStatus(object client.Object, patch string) func() {
	return func() { r.Expect(direct.Status().Patch(r.ctx, object, rawPatch(patch))).To(Succeed()) }
}

func (r *rig) service() *corev1.Service {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "web"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	r.create(service)
	return service
}

func (r *rig) maintainedService() (healthy, sick func(), reference v1alpha1.TargetReference) {
	service := r.service()
	return r.patch(service, `{"metadata":{"annotations":{"health.aliascheck.dev/maintenance":null}}}`),
		r.patch(service, `{"metadata":{"annotations":{"health.aliascheck.dev/maintenance":"moving"}}}`),
		v1alpha1.TargetReference{Kind: "Service", Name: service.Name}
}

func (r *rig) servedService() (healthy, sick func(), reference v1alpha1.TargetReference) {
	service := r.service()
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.namespace, Name: "web-1",
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	r.create(slice)
	return r.patch(slice, `{"endpoints":[{"addresses":["10.1.2.3"],"conditions":{"ready":true}}]}`),
		r.patch(slice, `{"endpoints":[{"addresses":["10.1.2.3"],"conditions":{"ready":false}}]}`),
		v1alpha1.TargetReference{Kind: "Service", Name: service.Name}
}

func (r *rig) node() (healthy, sick func(), reference v1alpha1.TargetReference) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: r.namespace}}
	r.create(node)
	return r.patchStatus(node, `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`),
		r.patchStatus(node, `{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`),
		v1alpha1.TargetReference{Kind: "Node", Name: node.Name}
}

func (r *rig) deployment() (healthy, sick func(), reference v1alpha1.TargetReference) {
	deployment := deploymentOf(r.namespace)
	r.create(deployment)
	const current = `"observedGeneration":1,"replicas":1,"updatedReplicas":1`
	available := `,"conditions":[{"type":"Available","status":"True"},` +
		`{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]`
	return r.patchStatus(deployment, `{"status":{`+current+`,"readyReplicas":1,"availableReplicas":1`+available+`}}`),
		r.patchStatus(deployment, `{"status":{`+current+`,"readyReplicas":null,"availableReplicas":null,"conditions":null}}`),
		v1alpha1.TargetReference{APIVersion: "apps/v1", Kind: "Deployment", Name: deployment.Name}
}

func deploymentOf(namespace string) *appsv1.Deployment {
	pods := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: pods},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: pods},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}},
			},
		},
	}
}
