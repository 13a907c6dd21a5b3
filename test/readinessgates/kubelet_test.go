package readinessgates

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// node is where the stand-in for the kubelet runs all pods.
const node = "worker-1"

// playKubelet binds the pods of a namespace to a node and reports them to run: all their containers are ready, and
// the pod is when its readiness gates are True as well, in the words of the kubelet.
func playKubelet(t *testing.T, api client.Client, namespace string) {
	t.Helper()
	if err := api.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node}}); client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(50 * time.Millisecond); ctx.Err() == nil; {
			if err := syncPods(ctx, api, namespace); err != nil && ctx.Err() == nil {
				t.Errorf("playing the kubelet: %v", err)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				tick.Stop()
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

func syncPods(ctx context.Context, api client.Client, namespace string) error {
	pods := &corev1.PodList{}
	if err := api.List(ctx, pods, client.InNamespace(namespace)); err != nil {
		return err
	}
	for i := range pods.Items {
		err := syncPod(ctx, api, &pods.Items[i], fmt.Sprintf("10.244.0.%d", i+2))
		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func syncPod(ctx context.Context, api client.Client, pod *corev1.Pod, ip string) error {
	switch {
	case pod.DeletionTimestamp != nil:
		return api.Delete(ctx, pod, client.GracePeriodSeconds(0))
	case pod.Spec.NodeName == "":
		return api.SubResource("binding").Create(ctx, pod, &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: node}})
	}
	running := pod.DeepCopy()
	running.Status.Phase = corev1.PodRunning
	if running.Status.PodIP == "" {
		running.Status.PodIP, running.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	}
	running.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, Ready: true, Started: new(true),
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: pod.CreationTimestamp}},
	}}
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady} {
		setCondition(running, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue})
	}
	setCondition(running, readyByGates(pod))
	if equality.Semantic.DeepEqual(pod.Status, running.Status) {
		return nil
	}
	return api.Status().Update(ctx, running)
}

func readyByGates(pod *corev1.Pod) corev1.PodCondition {
	var unready []string
	for _, g := range pod.Spec.ReadinessGates {
		switch status := conditionOf(pod, g.ConditionType).Status; status {
		case corev1.ConditionTrue:
		case "":
			unready = append(unready, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", g.ConditionType))
		default:
			unready = append(unready, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", g.ConditionType, status))
		}
	}
	if len(unready) == 0 {
		return corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue}
	}
	return corev1.PodCondition{
		Type: corev1.PodReady, Status: corev1.ConditionFalse,
		Reason: "ReadinessGatesNotReady", Message: strings.Join(unready, ", "),
	}
}

func conditionOf(pod *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return corev1.PodCondition{}
}

func setCondition(pod *corev1.Pod, condition corev1.PodCondition) {
	condition.LastTransitionTime = metav1.Time{Time: time.Now().Truncate(time.Second)}
	for i, is := range pod.Status.Conditions {
		if is.Type != condition.Type {
			continue
		}
		if is.Status == condition.Status {
			condition.LastTransitionTime = is.LastTransitionTime
		}
		pod.Status.Conditions[i] = condition
		return
	}
	pod.Status.Conditions = append(pod.Status.Conditions, condition)
}
