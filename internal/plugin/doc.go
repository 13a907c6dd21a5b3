// Package plugin is kubectl aliascheck: a file a command. Each reads with the rights of whoever calls it, and writes
// nothing; nothing in the manager knows of it.
package plugin
