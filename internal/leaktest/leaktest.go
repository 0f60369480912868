// Package leaktest ends a package's tests with a failure where they left
// goroutines behind. It is for tests alone.
package leaktest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leakTimeout is how long goroutines that are about to end may take to. goleak's
// own is half a second, in which a busy machine may give them no turn.
const leakTimeout = time.Minute

// Main is a TestMain: it runs the tests, and exits with 1 where goroutines are
// left.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := findLeaks(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines are left behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// findLeaks waits until nothing is left, and else says what is.
func findLeaks() error {
	for end := time.Now().Add(leakTimeout); ; {
		err := goleak.Find()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
