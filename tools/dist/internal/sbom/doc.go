// Package sbom says what a program is made of, in CycloneDX's JSON.
//
// It reads what the Go linker left in the program itself, so that it cannot
// differ from what is shipped; it must not read go.mod or ask a network.
package sbom
