// Package managerprocess runs the manager as a process of its own, as the demo and the black-box tests do:
// they see what a cluster sees of it, its API calls, its log and its exit code. The manager never imports it.
package managerprocess
