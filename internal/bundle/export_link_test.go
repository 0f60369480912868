package bundle

import (
	"os"
	"path/filepath"
	"testing"
)

// What another client left under the names that are written to is not followed.
func TestPartialFilesThatAreLinksAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("victim"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.bundle" + partialSuffix, "a.bundle" + journalSuffix, partName("b.bundle", 1) + partialSuffix} {
		if err := os.Symlink(victim, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	if st, err := openTarget(filepath.Join(dir, "a.bundle"), 10, 0, false); err == nil {
		t.Errorf("the bundle is written through a link: %v", st.Close())
	}
	if st, err := openTarget(filepath.Join(dir, "b.bundle"), 10, 5<<10, false); err == nil {
		t.Errorf("a part is written through a link: %v", st.Close())
	}
	if f, err := openLocked(filepath.Join(dir, "a.bundle"+journalSuffix)); err == nil {
		t.Errorf("the journal is written through a link: %v", f.Close())
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "victim" {
		t.Errorf("the file behind the links: %q, %v", b, err)
	}
}
