package journal_test

import (
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
)

func TestRevisionIsARunsOwnOnlyWithProof(t *testing.T) {
	t.Parallel()
	called := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	run := journal.Run{Plan: "sha256:0123456789abcdef", Steps: []journal.StepRecord{
		{Target: "a/b", Before: 4, Calling: true, Called: called, Own: []int{3}, Begun: map[int]time.Time{3: called.Add(-time.Hour)},
			Making: &journal.Operation{Chart: "c", Version: "2", Values: "sha256:v"}},
		{Target: "back/b", Before: 4, Calling: true, Called: called, Making: &journal.Operation{Chart: "c", Version: "1", Values: "sha256:v", BackTo: 2}},
		{Target: "old/b", Before: 4, Calling: true, Called: called, Own: []int{3}}, // a journal of an older version
	}}
	ours := journal.Revision{Number: 5, Status: "pending-upgrade", Description: "Preparing upgrade", Chart: "c", Version: "2", Values: "sha256:v", Begun: called}
	with := func(change func(*journal.Revision)) journal.Revision { r := ours; change(&r); return r }
	back := with(func(r *journal.Revision) {
		r.Status, r.Version, r.Description = "pending-rollback", "1", "Rollback to 2"
	})
	tests := []struct {
		name   string
		target string
		rev    journal.Revision
		want   bool
	}{
		{"begun with the call", "a/b", ours, true},
		{"failed", "a/b", with(func(r *journal.Revision) { r.Status = "failed" }), true},
		{"just before the call", "a/b", with(func(r *journal.Revision) { r.Begun = called.Add(-time.Nanosecond) }), false},
		{"days later", "a/b", with(func(r *journal.Revision) { r.Begun = called.Add(48 * time.Hour) }), false},
		{"at an unknown time", "a/b", with(func(r *journal.Revision) { r.Begun = time.Time{} }), false},
		{"another chart", "a/b", with(func(r *journal.Revision) { r.Chart = "d" }), false},
		{"another version", "a/b", with(func(r *journal.Revision) { r.Version = "3" }), false},
		{"other values", "a/b", with(func(r *journal.Revision) { r.Values = "sha256:w" }), false},
		{"another number", "a/b", with(func(r *journal.Revision) { r.Number = 6 }), false},
		{"another release", "a/c", ours, false},
		{"a rollback in place of an upgrade", "a/b", with(func(r *journal.Revision) { r.Status = "pending-rollback" }), false},
		{"deployed by somebody else", "a/b", with(func(r *journal.Revision) { r.Status, r.Description = "deployed", "Upgrade complete" }), false},
		{"deployed for this plan", "a/b", with(func(r *journal.Revision) {
			r.Number, r.Status, r.Description = 9, "deployed", "ticket 7 (aistor-upgrade plan 0123456789ab step s chart sha256:1)"
		}), true},
		{"deployed for another plan", "a/b", with(func(r *journal.Revision) {
			r.Status, r.Description = "deployed", "aistor-upgrade plan 0123456789ac step s chart x"
		}), false},
		{"whose end was seen", "a/b", with(func(r *journal.Revision) { r.Number, r.Status, r.Begun = 3, "failed", called.Add(-time.Hour) }), true},
		{"of the same number as one whose end was seen", "a/b", with(func(r *journal.Revision) { r.Number, r.Status = 3, "failed" }), false},
		{"a rollback", "back/b", back, true},
		{"a rollback that was carried through", "back/b", func() journal.Revision { r := back; r.Status = "deployed"; return r }(), true},
		{"a rollback that was marked as failed", "back/b", func() journal.Revision {
			r := back
			r.Status, r.Description = "failed", "interrupted while pending-rollback"
			return r
		}(), true},
		{"a rollback to another revision", "back/b", func() journal.Revision { r := back; r.Status, r.Description = "deployed", "Rollback to 3"; return r }(), false},
		{"an upgrade in place of a rollback", "back/b", func() journal.Revision {
			r := back
			r.Status, r.Description = "pending-upgrade", "Preparing upgrade"
			return r
		}(), false},
		{"by a journal that does not say what was to be made", "old/b", ours, false},
		{"by its number in a journal that knows no times", "old/b", with(func(r *journal.Revision) { r.Number, r.Status = 3, "failed" }), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := journal.OwnsRevision([]journal.Run{{}, run}, tt.target, tt.rev); got != tt.want {
				t.Errorf("received: %t", got)
			}
		})
	}
}

func TestRevisionThatAnOperationLeftIsKept(t *testing.T) {
	t.Parallel()
	called := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	s := journal.StepRecord{Target: "a/b", Before: 1, Calling: true, Called: called, Making: &journal.Operation{Chart: "c", Version: "2", Values: "v"}}
	failed := journal.Revision{Number: 2, Status: "failed", Chart: "c", Version: "2", Values: "v", Begun: called.Add(time.Second)}
	s.RecordRevision("sha256:0123456789abcdef", failed)
	if s.Calling || len(s.Own) != 1 {
		t.Fatalf("recorded: %+v", s)
	}
	r := journal.Run{Steps: []journal.StepRecord{s}}
	if !r.OwnsRevision("a/b", failed) {
		t.Error("the revision whose end was seen is not the run's own")
	}
	foreign := journal.StepRecord{Target: "a/b", Before: 1, Calling: true, Called: called, Making: s.Making}
	failed.Values = "w"
	foreign.RecordRevision("sha256:0123456789abcdef", failed)
	if foreign.Calling || len(foreign.Own) != 0 {
		t.Errorf("recorded: %+v", foreign)
	}
}
