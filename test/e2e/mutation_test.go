package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	toolscache "k8s.io/client-go/tools/cache"
	cachetesting "k8s.io/client-go/tools/cache/testing"

	"github.com/aliascheck/aliascheck/internal/sweep"
)

const (
	// client-go reads the variable before main, so that no test can set it for itself.
	detector = "KUBE_CACHE_MUTATION_DETECTOR"
	// mutates is set in the process that changes what an informer shares.
	mutates = "AC_MUTATES"
)

func TestI4AllTestsRunWithTheMutationDetector(t *testing.T) {
	if os.Getenv(detector) != "true" {
		t.Errorf("%s is not true: run the tests with `make test`, which sets it, or set it", detector)
	}
}

// A process that changes what an informer of the manager shares does not survive it.
func TestI4TheMutationDetectorEndsWhoChangesACachedObject(t *testing.T) {
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOfAnother", "-test.v")
	command.Env = append(os.Environ(), detector+"=true", mutates+"=yes")
	output, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "modified") {
		t.Errorf("%v, want a panic that says what was modified:\n%s", err, output)
	}
}

// TestOfAnother is the process that does it; elsewhere it only shows that an informer is read without harm.
func TestOfAnotherProcessThatReadsAnInformer(t *testing.T) {
	source := cachetesting.NewFakeControllerSource()
	source.Add(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}})
	sweeper, err := sweep.New(sweep.Options{Interval: time.Hour, Scheme: scheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	informer := sweeper.NewInformer(source, &corev1.Pod{}, 0, toolscache.Indexers{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		informer.RunWithContext(t.Context())
	}()
	if !toolscache.WaitForCacheSync(t.Context().Done(), informer.HasSynced) {
		t.Fatal("the informer has not synced")
	}
	pods := informer.GetStore().List()
	if len(pods) != 1 {
		t.Fatalf("%d pods are cached, want 1", len(pods))
	}
	if os.Getenv(mutates) == "" {
		return
	}
	pods[0].(*corev1.Pod).Labels = map[string]string{"team": "shop"}
	select {
	case <-ended:
	case <-time.After(time.Minute): // the detector looks once a second
	}
}
