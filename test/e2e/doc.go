// Package e2e has what needs one cluster and no more, against the built manager where it takes part: what its operator
// meets, what users are told and shown, and what they copy.
//
//	admission_test.go   a malformed check is refused, with its field and what to write instead. There is no webhook
//	manager_test.go     flags, signals and metrics
//	start_test.go       starting without an API server, and certificates that change
//	skew_test.go        CRDs of another version, as they are there in an upgrade and in a rollback
//	kstatus_test.go     tools that wait by kstatus (Flux, Helm, kpt) are told the truth through a check's whole life
//	samples_test.go     what config/samples has works as it is
//	mutation_test.go    the tests would notice who changes what the cache shares (invariant I4)
package e2e
