package sweep

import (
	"net/url"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestAQuestionIsReadFromTheURLOfARequest(t *testing.T) {
	deployments := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	namespaces := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	for address, want := range map[string]question{
		"/apis/apps/v1/deployments":                      {resource: deployments},
		"/apis/apps/v1/namespaces/shop/deployments":      {resource: deployments, namespace: "shop"},
		"/api/v1/pods?watch=true&labelSelector=a%3Db":    {resource: pods, labelSelector: "a=b"},
		"/api/v1/pods?fieldSelector=spec.nodeName%3Done": {resource: pods, fieldSelector: "spec.nodeName=one"},
		"/api/v1/namespaces":                             {resource: namespaces},
		"/k8s/clusters/c-1/api/v1/namespaces/shop/pods":  {resource: pods, namespace: "shop"},
	} {
		prefix := "/"
		if address[:5] == "/k8s/" {
			prefix = "/k8s/clusters/c-1"
		}
		if got, err := questionIn(parse(t, address), prefix); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", address, got, err, want)
		}
	}
}

func TestAURLThatIsNoListOrWatchIsNoQuestion(t *testing.T) {
	for _, address := range []string{"", "/", "/api", "/api/v1", "/apis/apps/v1", "/version", "/api/v1/nodes/one/status"} {
		if got, err := questionIn(parse(t, address), ""); err == nil {
			t.Errorf("%s: got %+v, want an error", address, got)
		}
	}
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
