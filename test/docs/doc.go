// Package docs_test keeps the pages of docs/ true to the source, where a list in one must be that in the other.
package docs_test
