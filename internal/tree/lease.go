package tree

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aliascheck/aliascheck/internal/shard"
)

// Finding is something about an installation.
type Finding struct {
	// Grave says that it is wrong; otherwise it is only said.
	Grave bool   `json:"grave"`
	Text  string `json:"text"`
}

// Wrong is a finding that needs somebody.
func Wrong(text string) Finding { return Finding{Grave: true, Text: text} }

// Fine is a finding that is only said.
func Fine(text string) Finding { return Finding{Text: text} }

// Shards are those that checks belong to, and the one without a name. Of a nil World it is that alone.
func (w *World) Shards() []shard.Shard {
	shards := map[shard.Shard]bool{"": true}
	if w != nil {
		for _, check := range w.All() {
			shards[shard.Of(check)] = true
		}
	}
	return slices.Sorted(maps.Keys(shards))
}

// Leaders says of each shard who leads its managers, which run in a namespace. An error is that of the API server.
func Leaders(
	ctx context.Context, reader client.Reader, namespace string, shards []shard.Shard, now time.Time,
) ([]Finding, error) {
	leases := &coordinationv1.LeaseList{}
	if err := reader.List(ctx, leases, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	byName := map[string]*coordinationv1.Lease{}
	for i := range leases.Items {
		byName[leases.Items[i].Name] = &leases.Items[i]
	}
	findings := make([]Finding, 0, len(shards))
	for _, s := range shards {
		findings = append(findings, leader(byName[s.Lease()], s, namespace, now))
	}
	return findings, nil
}

func leader(lease *coordinationv1.Lease, s shard.Shard, namespace string, now time.Time) Finding {
	who, of := "manager", ""
	if s != "" {
		who, of = "manager of shard "+string(s), " shard "+string(s)
	}
	if lease == nil {
		return Wrong(fmt.Sprintf("no %s has ever led in namespace %s (--manager-namespace names another)", who, namespace))
	}
	spec := lease.Spec
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
		return Wrong(fmt.Sprintf("nobody leads%s: the lease %s has no holder", of, lease.Name))
	}
	age := now.Sub(spec.RenewTime.Time)
	if age > time.Duration(*spec.LeaseDurationSeconds)*time.Second {
		return Wrong(fmt.Sprintf("nobody leads%s: %s renewed the lease %s ago, and all its states may be stale since then",
			of, *spec.HolderIdentity, Age(age)))
	}
	return Fine(fmt.Sprintf("%s leads%s, and renewed the lease %s ago", *spec.HolderIdentity, of, Age(age)))
}
