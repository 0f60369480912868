package workflow

import (
	"os"
	"path/filepath"
	"testing"
)

// Trying whether a receipt can be written leaves everything as it is.
func TestTryingAReceiptLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept, fresh := filepath.Join(dir, "kept.json"), filepath.Join(dir, "fresh.json")
	if err := os.WriteFile(kept, []byte("of yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", kept, fresh} {
		o := DeliverOptions{receipt: name}
		if err := o.checkReceiptWritable(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if b, _ := os.ReadFile(kept); string(b) != "of yesterday" {
		t.Errorf("the receipt that was there is now %q", b)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
}
