// Package evidence says how healthy an object of any kind is, from what the object itself shows: a rule of its kind that
// holds, and otherwise conditions, words and counts that mean the same for nearly all kinds. What shows nothing, or nothing
// that is understood, has no state here: to exist is not health.
//
// The package is pure. It imports no client, no clock and no logger.
package evidence
