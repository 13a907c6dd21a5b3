// Package kstatus holds the test that tools which wait by kstatus (Flux, Helm, kpt and others) are told the truth
// about checks through their whole life: objects of a real API server, written by the built manager.
package kstatus
