// Package install tests dist/install.yaml as a user has it: applied with kubectl to a control plane, worked
// with by the built manager as the ServiceAccount that was installed, and deleted again.
package install
