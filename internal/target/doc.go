// Package target reads what an AliasCheck mirrors and says what it saw, as a health.Observation. It decides
// no state of an alias: health does, from the observation.
//
// Each kind of target is a file which gathers what counts, from the watch cache, and a pure function which
// reads one member's state from it. A target that is missing, or may not be read, is an observation too;
// only a read that failed is an error.
//
// index.go says which aliases an event concerns, so that the cost of an edge is that of the aliases which it
// reaches and not of all that there are.
//
// Objects come from the cache without being copied. Nothing here changes them.
package target
