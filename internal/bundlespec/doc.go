// Package bundlespec decides, on the connected side, what goes into a bundle:
// the charts, the intermediate versions, and every image they
// pull.
//
// It loads charts through a function it is given and renders them; fetching
// images and writing the file are the bundle's business.
package bundlespec
