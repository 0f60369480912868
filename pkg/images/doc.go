// Package images knows what an AIStor installation pulls and where each image
// lives on the private side.
//
// It owns the reference type [Ref], the one mapping from public names to the
// private registry ([Mirror]), the discovery of references in rendered objects
// ([Discover]) and the transfer between two stores. It does no I/O of its own:
// registries and bundles are handed in as interfaces, and nothing here reads
// the environment or writes to a stream.
package images
