// Package pack writes archives whose bytes depend on their contents alone:
// entries are sorted, and carry neither a clock nor an owner.
//
// It must not know what is packed, nor run anything.
package pack
