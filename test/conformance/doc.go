// Package conformance says what an AliasCheck shows, as cases in YAML: objects, changes to them, and what has to
// show after each. They run against the built manager, with the permissions that it is installed with, on a real
// API server. README.md is for those who write cases.
//
//	case_test.go          what a case is, and how it is read
//	placeholder_test.go   what cases leave open: addresses to probe, names of their own
//	expectation_test.go   what a check has to show
//	cluster_test.go       the control plane, the manager, and how objects get there
//	subjects_test.go      the servers on loopback that HealthChecks look at
package conformance
