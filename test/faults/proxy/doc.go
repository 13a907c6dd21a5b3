// Package proxy is a reverse proxy that stands between a manager and its API server and breaks things on
// purpose: it swallows, freezes and delays watch frames, cuts connections, answers errors, and is slow. What
// it does can be changed at any time. It never reorders and never invents a frame.
//
// It speaks plain HTTP on loopback towards the manager, and has an administrator's credentials towards the API
// server, so whatever is started with its kubeconfig is an administrator. It also keeps a record of all
// writes, which makes "nothing was written" something that can be counted.
package proxy
