// Package valuecheck refuses values that are not final: text that stands for a
// value and is none must never be rendered, least of all as a credential.
//
// Text is recognized by form alone and only by whole forms: ciphertext,
// references that a secret manager resolves, templates and variables that a
// pre-processor replaces, and words that ask to be replaced. A password may
// hold any character, so that "a${b}c" is a value and "${b}" is not. Which
// forms count depends on the place: annotations and other free text may hold
// most of them.
//
// Nothing here prints or returns the text itself, which may be a credential.
// The package renders nothing and talks to nobody.
package valuecheck
