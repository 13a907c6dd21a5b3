// Package samples holds the test of config/samples: what users copy first must work as it is.
package samples
