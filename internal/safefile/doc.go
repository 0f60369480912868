// Package safefile is the one way in which product code writes files: whole or
// not at all, never through a symbolic link, never into a device or a file that
// another client put there. It knows nothing of what it writes.
package safefile
