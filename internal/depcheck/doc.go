// Package depcheck holds the tree to its own plan: its test fails the build on an
// import that crosses a room's walls. It has no code of its own.
package depcheck
