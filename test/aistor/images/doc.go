// Package images builds the container images that the fixture charts name, and
// pushes them.
//
// Every image is an index of linux/amd64 and linux/arm64 whose entrypoint is the
// stand-in, so on a real node it runs. Images share their lower layers, and the
// same source and options give the same digests. The package must not know of a
// cluster, nor of the product.
package images
