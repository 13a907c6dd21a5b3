// Command release makes what a release has beside the source: image archives with their bills of materials, the Helm
// chart, and archives of kubectl plugins.
//
//	release image -version v0.1.0 -out aliascheck.tar   # an OCI archive of two platforms, and an SPDX document each
//	release plugins -version v0.1.0 -out folder
//
// It needs neither docker nor a registry. The same source and version give the same bytes on every machine: binaries are
// built without paths and without the state of the work tree, and all times are that of the commit.
package main
