// Package share divides among namespaces what all of them use: writes to the API server and reads from it. Whoever may write
// checks in one namespace could otherwise use up what the checks of others need.
//
//	Buckets    tokens of each namespace, refilled at a constant rate
//	Turns      when the next write of an object is due, where its namespace has used its tokens up
//
// Nothing here waits or has a goroutine; the time is an argument.
package share
