// Package aliascheck keeps the status of AliasChecks equal to the health of their targets: at once on an edge, which is a
// watch event that says that something changed, and at every resync whatever the edges lost.
package aliascheck
