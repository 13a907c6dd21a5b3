// Package readinessgates holds the tests of readiness gates with everything that takes part: the reconcilers of
// HealthChecks, AliasChecks and gates, the controllers of Kubernetes that make pods and endpoints, kubectl, and a
// stand-in for the kubelet, which no test control plane has.
package readinessgates
