// Package aistor is what MinIO AIStor is, as data: the names of its charts and
// objects, the release tags of its images, which chart versions can follow
// which, which values have had an effect in which version, and the license.
//
// It is a leaf: no I/O, no clock, no other package of this project. What was
// observed on the published charts is written down here once; what can be
// found by rendering a chart is not written down at all, because the next
// chart would make it untrue.
package aistor
