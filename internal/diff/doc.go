// Package diff shows what an upgrade would change, object by object, as a
// unified diff without secrets. It renders nothing and asks nobody: it compares
// what the changes of a plan carry.
package diff
