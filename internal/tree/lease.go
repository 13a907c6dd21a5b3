package tree

import (
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// LeaseName is that of the manager's leader election.
const LeaseName = "manager.health.aliascheck.dev"

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

// LeaseOf says who leads, by the lease of the manager.
func LeaseOf(lease *coordinationv1.Lease, now time.Time) Finding {
	spec := lease.Spec
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
		return Wrong("nobody leads: the lease " + lease.Name + " has no holder")
	}
	age := now.Sub(spec.RenewTime.Time)
	if age > time.Duration(*spec.LeaseDurationSeconds)*time.Second {
		return Wrong(fmt.Sprintf("nobody leads: %s renewed the lease %s ago, and all states may be stale since then",
			*spec.HolderIdentity, Age(age)))
	}
	return Fine(fmt.Sprintf("%s leads, and renewed the lease %s ago", *spec.HolderIdentity, Age(age)))
}
