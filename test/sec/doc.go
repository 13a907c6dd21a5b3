// Package sec tests that one tenant never harms another: somebody with the rights of edit in one namespace does what
// he can, and a neighbour in another namespace, with one check, one alias and one gated pod, notices nothing. The manager
// is the built one, as it is installed, on a real API server.
//
// What is judged is counted (descriptors, requests, bytes for what was written), and where it is time, by what the
// contract promises. docs/security.md says what each may achieve, and what not.
package sec
