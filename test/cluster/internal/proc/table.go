package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Entry is one process that was started for a part.
type Entry struct {
	Part string `json:"part"`
	PID  int    `json:"pid"`
	// Started is the system's own notion of when, opaque, compared as text.
	Started string `json:"started"`
	// Kill says that it is ended by SIGKILL at once: a graceful stop of the
	// API server can take a minute.
	Kill bool `json:"kill,omitempty"`
}

// Alive says whether the very process of the entry still runs.
func (e Entry) Alive() bool {
	started, ended, err := startTime(e.PID)
	return err == nil && !ended && started == e.Started
}

// Table is the list of started processes, kept in a file from the first start
// on, so that whoever comes later can stop them all.
type Table struct {
	path    string
	Entries []Entry
}

// OpenTable reads the table in path; an absent file is an empty table.
func OpenTable(path string) (*Table, error) {
	t := &Table{path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of processes: %w", err)
	}
	if err := json.Unmarshal(data, &t.Entries); err != nil {
		return nil, fmt.Errorf("reading the list of processes %q: %w", path, err)
	}
	return t, nil
}

// Find gives the entry of a part.
func (t *Table) Find(part string) (Entry, bool) {
	for _, e := range t.Entries {
		if e.Part == part {
			return e, true
		}
	}
	return Entry{}, false
}

// Put records an entry, in the place of an older one for the same part.
func (t *Table) Put(e Entry) error {
	for i := range t.Entries {
		if t.Entries[i].Part == e.Part {
			t.Entries[i] = e
			return t.save()
		}
	}
	t.Entries = append(t.Entries, e)
	return t.save()
}

// Clear forgets every entry.
func (t *Table) Clear() error {
	t.Entries = nil
	return t.save()
}

func (t *Table) save() error {
	data, err := json.MarshalIndent(t.Entries, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(t.path), ".pids.tmp")
	if err := os.WriteFile(tmp, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, t.path)
}
