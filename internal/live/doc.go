// Package live reads from the API server what probes need, past every cache: each object twice a second at most, whoever needs
// it, and of one namespace no more than its share. Whoever may write checks could otherwise have a large Lease read by
// hundreds of them each second.
//
// What it returns is shared by all who asked for it meanwhile, and must not be changed. After that it is forgotten:
// values of Secrets are in memory for half a second.
package live
