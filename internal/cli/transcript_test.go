package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

func TestLogHoldsWhatWasShownWithTimesAndWithoutSecrets(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "new", "upgrade.log")
	mask := func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
	for attempt := range 2 {
		log, err := term.OpenTranscript(name, func() time.Time { return clitest.Clock.Add(time.Duration(attempt) * time.Hour) }, mask)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := log.TeeTo(&out)
		log.WriteText("helm aistor upgrade")
		fmt.Fprint(w, "one ")
		fmt.Fprint(w, "hunter2\n\ntwo\x1b[1;32m green\x1b[0m\n10 %\r20 %\nlast, without an end")
		if got := out.String(); !strings.Contains(got, "one hunter2\n") {
			t.Errorf("what is shown was changed: %q", got)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := "%[1]s helm aistor upgrade\n%[1]s one [redacted]\n%[1]s two green\n%[1]s 20 %%\n%[1]s last, without an end\n"
	want := fmt.Sprintf(lines, "2026-09-01T22:00:00Z") + fmt.Sprintf(lines, "2026-09-01T23:00:00Z")
	if string(b) != want {
		t.Errorf("log:\n%s\nwant:\n%s", b, want)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestReportsThatCannotBeWrittenAreRefusedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"report.pdf":              "expected a name that ends in .html or .json",
		"no/such/folder/r.html":   "directory no/such/folder not found",
		"transcript_test.go/r.js": "expected a name",
	} {
		_, errs, code := runHelm(t, "upgrade", "--yes", "--bundle", "x", "--report", name)
		if code != term.ExitError || !strings.Contains(errs, want) {
			t.Errorf("--report %s: exit %d with %q, want %q", name, code, errs, want)
		}
	}
}

// Nobody at the other end of a stream is no reason to lose what was said.
func TestWhatNobodyReadsIsInTheLogAndTold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		err  error
		want int
	}{
		{"a closed pipe", &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, 1},
		{"a closed terminal", syscall.EIO, 1},
		{"a full disk", syscall.ENOSPC, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			name, told := filepath.Join(t.TempDir(), "log"), 0
			log, err := term.OpenTranscript(name, func() time.Time { return clitest.Clock }, func(s string) string { return s })
			if err != nil {
				t.Fatal(err)
			}
			log.OnBrokenPipe = func() { told++ }
			term.PrintLine(log.TeeTo(brokenWriter{tc.err}), "operator is ready")
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			if b, err := os.ReadFile(name); err != nil || !strings.Contains(string(b), "operator is ready") {
				t.Errorf("log: %s, %v", b, err)
			}
			if told != tc.want {
				t.Errorf("told %d times, expected %d", told, tc.want)
			}
		})
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
