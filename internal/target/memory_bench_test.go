package target

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aliascheck/aliascheck/internal/target/rules"
)

// What an object of another kind takes in the cache, whole and as it is kept: go test -run '^$' -bench CachedObject.
func BenchmarkACachedObject(b *testing.B) {
	for _, kind := range cachedKinds() {
		b.Run(kind.name+"/whole", func(b *testing.B) {
			reportBytes(b, kind.text, func(object *unstructured.Unstructured) any { return object })
		})
		b.Run(kind.name+"/kept", func(b *testing.B) {
			object := parsed(b, kind.text, 0)
			gk := object.GroupVersionKind().GroupKind()
			strip := read(gk, rules.BuiltIn(gk)).strip()
			reportBytes(b, kind.text, func(object *unstructured.Unstructured) any {
				kept, err := strip(object)
				if err != nil {
					b.Fatal(err)
				}
				return kept
			})
		})
	}
}

// reportBytes reports how much of the heap stays in use for each of the objects that are held.
func reportBytes(b *testing.B, text string, keep func(*unstructured.Unstructured) any) {
	const count = 1000
	for b.Loop() {
		before := heap()
		held := make([]any, count)
		for i := range held {
			held[i] = keep(parsed(b, text, i))
		}
		b.ReportMetric(float64(heap()-before)/count, "B/object")
		runtime.KeepAlive(held)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first has freed is swept
	stats := runtime.MemStats{}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func parsed(b *testing.B, text string, number int) *unstructured.Unstructured {
	b.Helper()
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "#", fmt.Sprint(number))), object); err != nil {
		b.Fatal(err)
	}
	return object
}

type cachedKind struct{ name, text string }

// cachedKinds are objects as a cluster has them, with all that their specs say, and what their fields' managers have left.
// A # stands for the number of an object.
func cachedKinds() []cachedKind {
	template := fmt.Sprintf(`{"metadata": {"labels": {"app": "web-#"}}, "spec": {"serviceAccountName": "web",
		"containers": [{"name": "web", "image": "registry.example/shop/web:1.2.3", "ports": [{"containerPort": 8080}], "env": [%s],
			"resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}, "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}],
			"livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}}],
		"volumes": [{"name": "config", "configMap": {"name": "web-#"}}]}}`,
		several(12, `{"name": "SETTING_%d", "value": "a value of some length"}`))
	parts := several(20, `{"kind": "ConfigMap", "name": "part-%d", "namespace": "shop", "status": "Synced", "version": "v1"}`)
	return []cachedKind{
		{"Deployment", cachedObject("apps/v1", "Deployment", `{"replicas": 3, "selector": {"matchLabels": {"app": "web-#"}}, "template": `+template+`}`,
			`"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3`, "Available", "Progressing")},
		{"Pod", cachedObject("v1", "Pod", template, `"phase": "Running", "podIP": "192.0.2.#", "containerStatuses": [{"name": "web", "ready": true,
			"image": "registry.example/shop/web:1.2.3", "imageID": "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
			"state": {"running": {"startedAt": "2026-11-28T08:00:00Z"}}}]`, "PodScheduled", "Initialized", "ContainersReady", "Ready")},
		{"Certificate", cachedObject("cert-manager.io/v1", "Certificate", `{"secretName": "web-#", "dnsNames": ["web-#.example.com", "www.web-#.example.com"],
			"issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"}}`, `"notAfter": "2027-02-01T00:00:00Z", "revision": 4`, "Ready")},
		{"Application", cachedObject("argoproj.io/v1alpha1", "Application", `{"project": "default", "source": {"repoURL": "https://git.example/shop",
			"path": "web-#"}, "destination": {"namespace": "shop"}}`, `"health": {"status": "Healthy"}, "sync": {"status": "Synced"}, "resources": [`+parts+`]`)},
		{"without-rules", cachedObject("shop.example/v1", "Queue", template, `"phase": "Active", "nodes": [`+parts+`]`, "Ready", "Synced")},
	}
}

func cachedObject(apiVersion, kind, spec, status string, conditions ...string) string {
	var said []string
	for _, condition := range conditions {
		said = append(said, fmt.Sprintf(`{"type": %q, "status": "True", "reason": "AsWanted", "message": "a text of some length, which says why",
			"lastTransitionTime": "2026-11-28T08:00:00Z"}`, condition))
	}
	return fmt.Sprintf(`{"apiVersion": %q, "kind": %q, "metadata": {"name": "web-#", "namespace": "shop", "uid": "0a9c26e5-4f0a-4b0e-#",
		"resourceVersion": "1234#", "generation": 2, "creationTimestamp": "2026-11-28T08:00:00Z", "labels": {"app": "web-#", "team": "shop"},
		"annotations": {"kubectl.kubernetes.io/last-applied-configuration": %q},
		"managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {%s}}]},
		"spec": %s, "status": {"observedGeneration": 2, %s, "conditions": [%s]}}`,
		apiVersion, kind, strings.Repeat("x", 1200), several(40, `"f:field-%d": {"f:a": {}, "f:b": {}}`), spec, status, strings.Join(said, ", "))
}

func several(n int, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(parts, ", ")
}
