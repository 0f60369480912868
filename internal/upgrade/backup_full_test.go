package upgrade

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Where no backup can be written, here because a file is in the directory's place,
// nothing is changed, and the flag that helps is named.
func TestNothingIsChangedWithoutABackup(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.opts.BackupDir = filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(x.opts.BackupDir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := x.runAttempt(t.Context())
		var backup *BackupError
		var stopped *StoppedError
		if !errors.As(err, &backup) || backup.Hint() == "" || !errors.As(err, &stopped) || stopped.Changed {
			t.Errorf("error: %v", err)
		}
		if slices.Contains(w.calls, "push") || slices.Contains(w.calls, "helm upgrade") {
			t.Error("it went on without a backup")
		}
	})
}
