package status

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// What this process wrote counts until the cache has it, or proves to be right without it.
func TestOwnWritesHoldWhileTheCacheIsBehind(t *testing.T) {
	const resync = time.Minute
	for _, row := range []struct {
		rule      string
		cached    *v1alpha1.AliasCheck
		after     time.Duration
		failing   bool
		own, kept bool
	}{
		{"the cache is behind", version("first", "6"), 0, false, true, true},
		{"the cache has the write", version("first", "7"), 0, false, false, false},
		{"the cache has a later one", version("first", "8"), 0, false, false, false},
		{"another object has the name", version("another", "6"), 0, false, false, false},
		{"the cache is behind at the earliest resync", version("first", "6"), resync * 9 / 10, false, false, true},
		{"the cache is behind for long, and fails", version("first", "6"), time.Hour, true, true, true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			g := NewWithT(t)
			now := testingclock.NewFakePassiveClock(time.Now())
			failing := func(kind schema.GroupVersionKind, namespace string) time.Time {
				g.Expect(kind).To(Equal(AliasCheckKind))
				g.Expect(namespace).To(Equal("shop"))
				if row.failing {
					return now.Now().Add(-time.Minute)
				}
				return time.Time{}
			}
			own := NewOwnWrites[*v1alpha1.AliasCheck](AliasCheckKind, now, resync, failing)
			written := version("first", "7")
			own.Keep(written)
			now.SetTime(now.Now().Add(row.after))
			want := row.cached
			if row.own {
				want = written
			}
			g.Expect(own.Latest(row.cached)).To(BeIdenticalTo(want))
			_, kept := own.locked.byName[client.ObjectKeyFromObject(written)]
			g.Expect(kept).To(Equal(row.kept))
			own.Forget(client.ObjectKeyFromObject(written))
			g.Expect(own.Latest(row.cached)).To(BeIdenticalTo(row.cached))
		})
	}
}

func TestAnOwnWriteThatIsRefusedIsForgotten(t *testing.T) {
	neverFails := func(schema.GroupVersionKind, string) time.Time { return time.Time{} }
	own := NewOwnWrites[*v1alpha1.AliasCheck](AliasCheckKind, clock.RealClock{}, time.Minute, neverFails)
	own.Keep(version("first", "7"))
	if own.Refused(version("first", "6")) {
		t.Error("a write to what the cache has is taken for one to the own")
	}
	if !own.Refused(version("first", "7")) || own.Refused(version("first", "7")) {
		t.Error("it is not refused just once")
	}
}

func version(uid types.UID, resourceVersion string) *v1alpha1.AliasCheck {
	alias := &v1alpha1.AliasCheck{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	alias.UID, alias.ResourceVersion = uid, resourceVersion
	return alias
}
