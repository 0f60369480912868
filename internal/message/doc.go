// Package message separates the lines that this program writes from text that
// it was given: by an API server, a registry, a chart, a bundle or a file. Given
// text stays on the line that quotes it, with its control characters visible,
// and so cannot be taken for a line, a hint or a table row of this program.
//
// The package knows nothing of secrets and imports nothing of this module.
package message
