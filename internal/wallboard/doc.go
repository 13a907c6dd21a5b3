// Package wallboard is a page with all checks as a tree, live. feed.go keeps what it shows, server.go serves it, and page/
// is all that a browser loads.
//
// The worst page is a green one that is frozen. So the server tells the page when the watch is down or nobody
// leads, and the page says so by itself when it hears nothing.
package wallboard
