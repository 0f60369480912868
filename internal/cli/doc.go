// Package cli is what people type and read: the verbs of both plugins, their
// option groups, printers, progress and prompts.
//
// It has the roots of both plugins. Below it, in the order of their imports, are
// the packages term, option, display, workflow and verb. Verbs connect the packages
// that do the work and hold no logic that another program would need. Streams,
// environment and clock come in through [term.Program]; nothing here ends the
// process.
package cli
