// Package expect judges an HTTP response by expressions in CEL: the list http.expect of a HealthCheck.
//
//	Compiler.Compile(expectations) → Set, or an InvalidError that says where the mistake is
//	Set.Judge(ctx, response) → the findings: what does not hold, in the order of the list
//
// The response is written by the other side, and the expressions by whoever may write checks. Neither may cost the
// manager more than a bound, and nothing of the response may reach a message:
//
//   - An expression is compiled once and kept by its text, in a bounded cache that all checks share.
//   - What an expression costs is limited where it runs, by CEL's own unit and by the probe's context. What neither
//     of them bounds is refused when it is compiled: functions that make text of many times the size of the body,
//     patterns that are not literals or are large, and nested macros, whose values could double at each level.
//   - A finding has the author's words, or the expression itself. Errors of CEL are told by their kind, since their
//     texts quote what they stumbled on.
package expect
