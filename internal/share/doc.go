// Package share divides among namespaces what all of them use: probe slots, calls of the API server, places in a queue, and
// what is read. Whoever may write checks in one namespace could otherwise use up what the checks of others need.
//
//	Slots      who may go ahead, of those who hold something while they do
//	Turns      who is next, of those who wait in a queue
//	Buckets    who has had more than his share, by tokens that are refilled at a constant rate
//
// Slots and Turns bind only while somebody else wants his share: a namespace that is alone has everything. Nothing here waits
// or has a goroutine; the time is an argument.
package share
