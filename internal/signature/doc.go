// Package signature makes and verifies minisign signatures, in the format the
// stock minisign writes and reads. It is the only importer of that library and
// does no I/O.
package signature
