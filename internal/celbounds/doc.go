// Package celbounds bounds what an expression in CEL may cost. Expressions are written by whoever may write checks, over
// responses and objects that somebody else wrote, and none may cost the manager more than a bound.
//
//   - Check refuses, when an expression is compiled, what no limit of costs would bound: one step of it may take any time.
//   - Sizes tells CEL what a step costs, by the size of what it looks at and of what it makes. CEL itself counts too low
//     what it knows the type of only when it runs, which is all of an object and of JSON.
//   - Join is the function join with a result that is bounded, where it is needed.
//   - Mistake says what is wrong with an expression in a line, which CEL says in as many as the expression has mistakes.
//
// The package is pure. It imports no client, no clock and no logger.
package celbounds
