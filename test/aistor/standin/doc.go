// Package standin plays AIStor's part in tests: its operator, its webhook and
// its servers.
//
// It does what AIStor is documented or seen to do and no more; where the real
// behaviour is unknown a switch chooses. It must not be linked into the product.
// It speaks to the API server with net/http alone, so that one small static
// binary fits into every fixture image.
package standin
