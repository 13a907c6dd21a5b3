// Package tree says what rests on what: an alias on its targets, a Service and a Node on the checks that count towards
// them, a pod on the aliases that its readiness gates follow. It reads a World (world.go), and finds each answer in it without
// any further I/O: the tree below an alias (graph.go), why something is red (why.go), what follows an object (impact.go).
//
// What others wrote is text and nothing more: whoever prints it goes through health.OneLine.
package tree
