package sweep

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
)

// pageSize is a fifth of what client-go's own pager uses: the metadata of an object has all its annotations, which may be
// 256 KiB of whatever somebody likes, and a page is in memory as a whole.
const pageSize = 100

// list is consistent: it asks for no particular version, so it is at least as new as all that was written
// before it began, and its pages are all of one version.
func list(ctx context.Context, client metadata.Interface, q question) (listing, error) {
	l := listing{objects: map[string]version{}}
	options := q.listOptions()
	options.Limit = pageSize
	for {
		page, err := client.Resource(q.resource).Namespace(q.namespace).List(ctx, options)
		if err != nil {
			return listing{}, fmt.Errorf("listing live metadata of %s: %w", q.resource.GroupResource(), err)
		}
		for i := range page.Items {
			l.objects[nameOf(&page.Items[i])] = versionOf(&page.Items[i])
		}
		l.resourceVersion = page.ResourceVersion
		if page.Continue == "" {
			return l, nil
		}
		options.Continue = page.Continue
	}
}

func nameOf(object metav1.Object) string {
	if object.GetNamespace() == "" {
		return object.GetName()
	}
	return object.GetNamespace() + "/" + object.GetName()
}

func versionOf(object metav1.Object) version {
	return version{object.GetUID(), object.GetResourceVersion()}
}
