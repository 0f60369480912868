// Package bundle is the file that crosses the airgap.
//
// A bundle is an OCI image layout in one uncompressed tar: "oci-layout",
// "index.json", then "blobs/sha256/*". The tar is canonical: from the bundle's
// own manifest (an OCI artifact inside it) follow index.json, the order of the
// entries, every header and all padding, byte for byte. [Open] derives them
// again and refuses a file where anything differs; [Bundle.Verify] hashes the
// rest. So any changed byte is found, and the same inputs give the same file.
//
// Entries come in this order: the bundle's manifest with its parts, the charts,
// the images' manifests and inline configs as they are found, then all other
// blobs by digest. What is needed to know the entire file is thus at its start.
//
// An image of which only some platforms are carried is changed at the top
// alone: for one platform its own manifest takes the index's place, for several
// an index of exactly these. Registries refuse an index with missing children,
// and what nodes run is the platform's manifest in either case. The manifest
// records both digests. With all platforms, and for references that pin a
// digest, the original index is carried untouched. See [images.Resolve].
//
// The package does no network I/O (it is handed a Fetcher), extracts nothing,
// follows no link, and reads neither the environment nor the clock.
package bundle
