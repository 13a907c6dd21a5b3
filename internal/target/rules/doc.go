// Package rules evaluates health rules: lists of CEL expressions over an object, of which the first that holds says
// what state the object has. A rule is data, in the form that a HealthRule has in the API; the built-in ones are the
// YAML files beside this one.
//
// Expressions are compiled once, and the cost of their evaluation is bounded: a rule that is too expensive does not
// hold, just as one that cannot be evaluated. Fields says what of an object the rules read, so that no more of it has to
// be cached.
//
// The package is pure. It imports no client, no clock and no logger.
package rules
