// Package plugin runs the built kubectl plugin against a real API server with the built manager on it, as a user does.
package plugin
