// Package readinessgate keeps the conditions of pods that name AliasChecks as readiness gates. What is due on a pod is
// decided in internal/gate.
package readinessgate
