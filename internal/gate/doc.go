// Package gate is the pure part of pod readiness gates: which AliasChecks a pod names in its
// spec.readinessGates, and which of its conditions therefore have to be written. It imports no client, no
// clock and no logger; time is an argument.
//
//	Aliases    a pod                      →  the AliasChecks that its gates name
//	Due        a pod and these aliases    →  the conditions that are not yet as they should be
//	Strip      a pod                      →  the little of it that the two above need
//
// Only conditions with Prefix are looked at, and only those that the pod names: all else of a pod belongs to
// the kubelet and to other controllers.
package gate
