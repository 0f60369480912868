// Package proc starts processes that outlive their starter and stops exactly
// these again, telling them from later processes with the same id by the time
// they started.
//
// It must never choose a process by its name.
package proc
