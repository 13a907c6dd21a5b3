// Package docs keeps the pages of docs/ true to the source, where a list in one must be that in the other, and runs what
// they give to others to run.
package docs
