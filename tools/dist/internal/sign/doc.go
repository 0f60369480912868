// Package sign writes the .prov file by which Helm 4 verifies a plugin's
// archive, an OpenPGP clear-signed text with the archive's checksum, and the
// .minisig file by which people verify any file.
//
// Keys are only read; it must never write or print one.
package sign
