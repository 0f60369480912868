// Package term is the process that a command runs in: streams, exit codes, errors
// and their hints, colour, progress, prompts, interruption and the log of what was
// shown. Secrets are taken out of every stream here.
//
// It is the lowest package of the command line: it imports none of the others, and
// knows neither flags of a verb nor clusters.
package term
