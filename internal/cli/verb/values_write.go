package verb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// WriteFiles puts the changed files in place: first a backup of each, then one
// rename each, so that no file is ever half written. A file that somebody
// changed since it was read stays as it is, and all others with it.
func WriteFiles(files []EditedFile, report *ValuesReport) error {
	for _, f := range files {
		if err := f.checkUnchanged(); err != nil {
			return err
		}
	}
	for i := range files {
		f := &files[i]
		if !f.isChanged() {
			continue
		}
		var err error
		if f.backup, err = backUpFile(f.Name, f.Data); err != nil {
			return err
		}
		report.Files[i].Backup = f.backup
	}
	for _, f := range files {
		if !f.isChanged() {
			continue
		}
		err := f.checkUnchanged()
		if err == nil {
			err = replaceFile(f.Name, f.After)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkUnchanged makes sure that a file still holds what was read.
func (f EditedFile) checkUnchanged() error {
	now, err := os.ReadFile(f.Name)
	if err != nil {
		return fmt.Errorf("writing %q: %w", f.Name, err)
	}
	if !bytes.Equal(now, f.Data) {
		return term.WithHint(fmt.Errorf("writing %q: the file changed since it was read", f.Name), "rerun the same command")
	}
	return nil
}

// backUpFile writes data beside name, under the first number that is free.
func backUpFile(name string, data []byte) (string, error) {
	mode, err := fileMode(name)
	if err != nil {
		return "", fmt.Errorf("backing up %q: %w", name, err)
	}
	for n := 1; ; n++ {
		backup := fmt.Sprintf("%s.%d.bak", name, n)
		err := safefile.WriteNew(backup, data, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("backing up %q: %w", name, err)
		}
		return backup, nil
	}
}

func fileMode(name string) (fs.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}

// replaceFile writes beside the file and renames, keeping its mode. A link
// stays one: what it points to is replaced.
func replaceFile(name string, data []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %q: %w", name, err)
		}
	}()
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	return safefile.Write(target, data, 0o600)
}
