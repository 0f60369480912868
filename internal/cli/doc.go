// Package cli is what people type and read: the verbs of both plugins, their
// option groups, printers, progress and prompts.
//
// Each verb has a file of its own: an options struct that embeds option groups,
// a constructor that sets defaults, and Run. Verbs connect the packages below and
// hold no logic that another program would need. Streams, environment and clock
// come in through [Program]; nothing here ends the process.
package cli
