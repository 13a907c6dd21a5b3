package controllers_test

import (
	"context"
	"reflect"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// versions is a cache that remembers what it handed out, and what that looked like then.
type versions struct {
	client.Reader
	mu sync.Mutex
	// handed and looks are guarded by mu.
	handed, looks []client.Object
}

func (v *versions) Get(
	ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption,
) error {
	err := v.Reader.Get(ctx, key, object, options...)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	shared := sharing(object) // its inside is the cache's
	v.handed, v.looks = append(v.handed, shared), append(v.looks, shared.DeepCopyObject().(client.Object))
	return nil
}

// sharing is another object with the same inside.
func sharing(object client.Object) client.Object {
	shared := reflect.New(reflect.TypeOf(object).Elem())
	shared.Elem().Set(reflect.ValueOf(object).Elem())
	return shared.Interface().(client.Object)
}

func (v *versions) expectUnchanged() {
	GinkgoHelper()
	v.mu.Lock()
	defer v.mu.Unlock()
	Expect(v.handed).NotTo(BeEmpty())
	for i := range v.handed {
		Expect(v.handed[i]).To(BeComparableTo(v.looks[i]))
	}
}
