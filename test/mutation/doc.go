// Package mutation tests that the tests would notice who changes what the cache shares (invariant I4).
package mutation
