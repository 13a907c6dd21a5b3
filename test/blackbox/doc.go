// Package blackbox runs the built manager as a process of its own, for tests that know it only by its flags,
// its objects and its signals. The binary has the race detector in it.
package blackbox
