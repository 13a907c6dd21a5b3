// Package install tests dist/install.yaml as a user has it: applied with kubectl to a control plane, worked
// with by the built manager as the ServiceAccount that was installed, and deleted again. The commands of the
// pages that people begin with are run as they stand there; those of helm, with its chart, by `make test-chart`.
package install
