// Package plural says how many there are of something, in the English of what
// people read: "1 pod is", "2 pods are". It decides nothing and has no I/O.
package plural
