// Package probe looks at the world, once per call: HTTP, TCP, gRPC, UDP, DNS, a heartbeat or a Job.
//
//	Probes.Probe(ctx, check) → Result
//
// The context is the only stop signal, and its deadline is the check's timeout. Nothing of the world is kept
// between probes: no connection, no resolved name, no Secret; so what changed since the last probe counts at once. What is
// kept are compiled expressions (expect).
//
// Considerations that shape it:
//
//   - Authors of HealthChecks must not reach through the manager what they could not reach themselves.
//     Every socket is opened by the dialer, and the Guard judges the address that it is about to connect to,
//     after DNS, and again for each redirect.
//   - A failing check writes its status once, so messages have no volatile text. They are made of our own
//     words (failure.go), never of raw error texts: those name ports of this side, DNS servers, times, and
//     now and then a piece of a response.
//   - Nothing of a response's body and no secret reaches a Result.
//   - The package knows no Kubernetes client. Secrets, Leases and Jobs come through small interfaces.
package probe
