// Command bench measures making and pushing bundles against other tools.
//
// It starts registries of its own, fills one with seeded images that share
// base layers, and lets each tool do the same work in turns: create a file (or
// directory) from the registry, push it into ten repositories of an empty one,
// push again with nothing to do, verify; copy straight into another empty one,
// and copy again. Beside the tools runs a floor: the same blobs moved by a
// minimal program that does nothing else.
//
// Wall time, CPU, peak memory and scratch are medians over interleaved rounds;
// requests and bytes are counted in one more round through a proxy, which would
// distort the times. Peers carry the images only; helm-aistor renders two
// charts to find the images, and carries the charts as well. imgpkg puts
// everything into one repository.
//
// With -memory it measures peak memory alone, at several sizes, against
// registries that make up what they serve.
package main
