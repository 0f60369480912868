// Package install installs both plugins with the real krew, kubectl and Helm 3
// and 4, as an administrator without internet does: by the commands of the
// INSTALL page, from a mirror on a local web server. They run in a network
// namespace with nothing but loopback where the system allows that; elsewhere a
// proxy refuses every other address.
//
// The programs are built by `make test-tools`.
package install
