// Package kinds runs the cases beside it: how objects of other people's kinds say that they are healthy.
package kinds
