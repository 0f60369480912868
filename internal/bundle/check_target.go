package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// checkTarget refuses what cannot become a bundle before anything is fetched:
// renaming a file over a device or a directory would fail at the end, or not fail.
func checkTarget(path string, overwrite bool) error {
	refuse := func(reason, hint string) error { return &TargetError{Path: path, Reason: reason, hint: hint} }
	dir := filepath.Dir(path)
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return refuse(fmt.Sprintf("directory %q not found", dir), "create the directory first")
	}
	for _, name := range []string{path, path + partialSuffix, path + journalSuffix, partName(path, 1)} {
		st, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("creating bundle %q: %w", path, err)
		}
		ours := strings.HasPrefix(name, path+partialSuffix)
		if st.Mode()&fs.ModeSymlink != 0 && !ours {
			// The link is replaced, where it may be, and not what it leads to.
			if to, err := os.Stat(name); err == nil {
				st = to
			}
		}
		switch {
		case st.IsDir():
			return refuse(fmt.Sprintf("%q: is a directory", name), "name a file in it")
		case !ours && !overwrite:
			return fmt.Errorf("creating bundle %q: %w", name, os.ErrExist)
		case !st.Mode().IsRegular() && (ours || st.Mode()&fs.ModeSymlink == 0):
			return refuse(fmt.Sprintf("%q: not a regular file", name), "name another file")
		}
	}
	return nil
}

// removePartial removes what a run left that had not begun to fetch.
func removePartial(path string) {
	_ = os.Remove(path + partialSuffix)
	for i := 1; i <= maxParts && os.Remove(partName(path, i)+partialSuffix) == nil; i++ {
	}
}

// removeOld removes what is left of a bundle that a new one of n parts replaces;
// 0 is one in a file of its own.
func removeOld(path string, n int) error {
	var old []string
	if n > 0 {
		old = append(old, path)
	} else if fileExists(partName(path, 1)) {
		old = append(old, sumsFiles(path)...)
	}
	for i := n + 1; i <= maxParts && fileExists(partName(path, i)); i++ {
		old = append(old, partName(path, i))
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
