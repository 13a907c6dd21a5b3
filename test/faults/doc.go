// Package faults breaks everything on purpose: the built manager runs between a real API server and a proxy
// that loses, freezes and refuses; processes are killed, frozen and restarted while checks change. After each
// fault the states must be right again by themselves. docs/reliability.md says what each test promises.
package faults
