package lab

import (
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/proc"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/realnode"
)

// Down stops every recorded process. It is idempotent, and leaves the directory
// for reading its logs.
func (l *Lab) Down() error { return Down(l.Dir) }

// Down stops the lab in a directory by its recorded processes alone, so that it
// also stops one whose start was cut short.
func Down(dir string) error {
	l := &Lab{Dir: dir}
	table, err := proc.OpenTable(l.path("pids.json"))
	if err != nil {
		return err
	}
	if len(table.Entries) == 0 {
		return nil
	}
	if err := proc.Stop(table.Entries); err != nil {
		return err
	}
	if _, ok := table.Find(partNode); ok {
		if l, err = Open(dir); err != nil {
			return err
		}
		if err := realnode.Cleanup(l.nodeConfig()); err != nil {
			return fmt.Errorf("cleaning up after the real node: %w", err)
		}
	}
	return table.Clear()
}

// PartStatus is one line of a status.
type PartStatus struct {
	Part    string
	PID     int
	Running bool
}

// Status gives the recorded parts, in the order of their start.
func (l *Lab) Status() ([]PartStatus, error) {
	table, err := proc.OpenTable(l.path("pids.json"))
	if err != nil {
		return nil, err
	}
	var out []PartStatus
	for _, e := range table.Entries {
		out = append(out, PartStatus{e.Part, e.PID, e.Alive()})
	}
	return out, nil
}

// StopUpstream takes the upstream registry away: from now on its address
// refuses connections.
func (l *Lab) StopUpstream() error {
	table, err := proc.OpenTable(l.path("pids.json"))
	if err != nil {
		return err
	}
	e, ok := table.Find(partUpstream)
	if !ok {
		return fmt.Errorf("stopping the upstream registry: the lab %q is not up", l.Dir)
	}
	return proc.Stop([]proc.Entry{e})
}

// StartUpstream brings the upstream registry back, with what it held.
func (l *Lab) StartUpstream() error {
	parts, err := l.Status()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(parts, func(p PartStatus) bool { return p.Part == partAPI && p.Running }) {
		return fmt.Errorf("starting the upstream registry: the lab %q is not up", l.Dir)
	}
	if slices.ContainsFunc(parts, func(p PartStatus) bool { return p.Part == partUpstream && p.Running }) {
		return nil
	}
	_, err = l.launch(partUpstream)
	return err
}
