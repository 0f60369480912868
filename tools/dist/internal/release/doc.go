// Package release lays the programs out as krew and Helm want to install them,
// and as a site without internet wants to serve them.
//
// It owns the names of files and directories that docs/install.md and the INSTALL
// page speak of. It must not compile anything.
package release
