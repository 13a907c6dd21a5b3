// Package share divides among namespaces what all of them use: probe slots, calls of the API server, places in a queue, and
// what is read. Whoever may write checks in one namespace could otherwise use up what the checks of others need.
//
//	Slots      which check may go ahead, where each holds a place while it does
//	Turns      which item is next, of those that wait in a queue
//	Buckets    which namespace has had more than its share, by tokens that are refilled at a constant rate
//
// Slots and Turns bind only while somebody else wants a share: a namespace that is alone has everything. Nothing here waits
// or has a goroutine; the time is an argument.
package share
