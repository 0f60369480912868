// Package build compiles the plugins for a platform so that the same source
// gives the same bytes wherever it lies.
//
// It must not know what becomes of the programs.
package build
