// Package manager tests the built manager as its operator meets it: its flags, its signals and its metrics.
package manager
