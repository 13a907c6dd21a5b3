package shard

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

func in(shard string) *v1alpha1.HealthCheck {
	return &v1alpha1.HealthCheck{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.LabelShard: shard}}}
}

func TestAShardHasWhatBearsItsName(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Shard("a").Has(in("a"))).To(BeTrue())
	g.Expect(Shard("a").Has(in("b"))).To(BeFalse())
	g.Expect(Shard("a").Has(&v1alpha1.HealthCheck{})).To(BeFalse())
	g.Expect(Shard("").Has(in("a"))).To(BeFalse())
	g.Expect(Shard("").Has(&v1alpha1.HealthCheck{})).To(BeTrue())
	g.Expect(Shard("").Has(in(""))).To(BeTrue(), "an empty name is none: somebody has to look after it")
}

func TestEachShardHasALeaseOfItsOwn(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Shard("").Lease()).To(Equal("manager.health.aliascheck.dev"))
	g.Expect(Shard("a").Lease()).To(Equal("a.manager.health.aliascheck.dev"))
}

func TestTheEventByWhichAnObjectLeavesItsShardIsSeenThere(t *testing.T) {
	g := NewWithT(t)
	own := Shard("a").Own()
	g.Expect(own.Update(event.UpdateEvent{ObjectOld: in("a"), ObjectNew: in("b")})).To(BeTrue())
	g.Expect(own.Update(event.UpdateEvent{ObjectOld: in("b"), ObjectNew: in("a")})).To(BeTrue())
	g.Expect(own.Update(event.UpdateEvent{ObjectOld: in("b"), ObjectNew: in("b")})).To(BeFalse())
	g.Expect(own.Create(event.CreateEvent{Object: in("b")})).To(BeFalse())
	g.Expect(own.Delete(event.DeleteEvent{Object: in("b")})).To(BeFalse())
}

func TestANameOfAShardIsADNSLabel(t *testing.T) {
	for _, name := range []string{"", "a", "shard-1"} {
		if got, err := Parse(name); err != nil || string(got) != name {
			t.Errorf("Parse(%q) = %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"A", "a.b", "a b", "-a"} {
		if _, err := Parse(name); err == nil {
			t.Errorf("Parse(%q) gives no error", name)
		}
	}
}
