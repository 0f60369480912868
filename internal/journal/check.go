package journal

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// The bounds of what is read: what this program writes lies far below them.
const (
	sizeLimit     = 900_000 // bytes of a record; a ConfigMap takes 1 MiB
	fullLimit     = 200_000 // bytes of a record with what only reports want
	messageLimit  = 1_000   // bytes of a message
	nameLimit     = 600     // bytes of a name: two of Kubernetes' own fit
	pathLimit     = 4_096   // bytes of a directory's path
	listLimit     = 1_000   // entries of any list
	planLimit     = 3_000   // entries of what grows with a plan: steps, stores, releases
	revisionLimit = 1_000_000
)

var digests = regexp.MustCompile(`^sha256:[0-9a-f]{1,64}$`)

// resultDone is the result of an attempt that reached the end of its plan.
const resultDone = "done"

var (
	results  = []string{"", resultDone, "paused", "stopped", "interrupted"}
	statuses = []StepStatus{StepPending, StepStarted, StepDone, StepSkipped, StepFailed, StepInterrupted}
	kinds    = []string{"", plan.KindPlan, plan.KindRollback}
)

// check refuses a record that this program cannot have written, and makes the
// texts of the others harmless.
func (r *Run) check() error {
	switch {
	case r.APIVersion != plan.APIVersion || !slices.Contains(kinds, r.Kind):
		return errors.New("it has another apiVersion or kind")
	case !digests.MatchString(r.Plan) || r.Resumes != "" && !digests.MatchString(r.Resumes):
		return errors.New("a plan's digest is none")
	case len(r.Attempts) == 0, max(len(r.Attempts), len(r.Orphans), len(r.Pods)) > listLimit,
		max(len(r.Steps), len(r.Baseline), len(r.Claims), len(r.Open), len(r.Availability)) > planLimit:
		return errors.New("it has too many entries, or no attempt")
	}
	for i := range r.Attempts {
		if err := r.Attempts[i].check(); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for i := range r.Steps {
		s := &r.Steps[i]
		if err := s.check(); err != nil {
			return err
		}
		if seen[s.ID] {
			return fmt.Errorf("step %q is listed twice", s.ID)
		}
		seen[s.ID] = true
	}
	if unfit(r.Bundle) || slices.ContainsFunc(r.Open, unfit) {
		return errors.New("it has an invalid text")
	}
	r.Backup, r.FirstBackup = oneLine(r.Backup), oneLine(r.FirstBackup)
	for store, claims := range r.Claims {
		for name, id := range claims {
			if unfit(store) || unfit(name) || unfit(id.String()) {
				return errors.New("it has an invalid text")
			}
		}
	}
	for store, health := range r.Baseline {
		if unfit(store) || unfit(health) {
			return errors.New("it has an invalid text")
		}
	}
	return nil
}

func (a *Attempt) check() error {
	if !slices.Contains(results, a.Result) || len(a.Findings) > listLimit || a.Number < 0 || a.Number > revisionLimit {
		return errors.New("an attempt has an unknown outcome")
	}
	for _, text := range []*string{&a.Identity, &a.Holder, &a.Tool, &a.Message} {
		*text = harmless(*text, messageLimit+len("…"))
	}
	for i := range a.Findings {
		f := &a.Findings[i]
		for _, text := range []*string{&f.Check, &f.Status, &f.Message, &f.Waived} {
			*text = harmless(*text, messageLimit+len("…"))
		}
	}
	return nil
}

func (s *StepRecord) check() error {
	numbers := append([]int{s.Before}, s.Own...)
	switch {
	case s.ID == "" || slices.ContainsFunc([]string{s.ID, s.Target, string(s.Action)}, unfit):
		return errors.New("a step has no name")
	case !slices.Contains(statuses, s.Status):
		return fmt.Errorf("step %q is in no known state", s.ID)
	case max(len(s.Own), len(s.Begun), len(s.Removed), len(s.Saved)) > listLimit || slices.Min(numbers) < 0 || slices.Max(numbers) > revisionLimit || s.Attempt < 0:
		return fmt.Errorf("a number of step %q can't be", s.ID)
	}
	for _, c := range []*plan.ChartRef{s.From, s.To} {
		if c != nil && slices.ContainsFunc([]string{c.Name, c.Version, c.Digest}, unfit) {
			return fmt.Errorf("a chart of step %q has no name", s.ID)
		}
	}
	for _, k := range s.Removed {
		if slices.ContainsFunc([]string{k.APIVersion, k.Kind, k.Namespace, k.Name}, unfit) {
			return fmt.Errorf("an object that step %q removed has no name", s.ID)
		}
	}
	if m := s.Making; m != nil && (m.BackTo < 0 || slices.ContainsFunc([]string{m.Chart, m.Version, m.Values}, unfit)) {
		return fmt.Errorf("an object of step %q has no name", s.ID)
	}
	s.Message = harmless(s.Message, messageLimit+len("…"))
	return nil
}

// unfit reports whether a text cannot be a name.
func unfit(s string) bool {
	return len(s) > nameLimit || strings.ContainsFunc(s, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) })
}

// harmless bounds a text for people and takes out what moves a terminal. Lines
// stay lines: messages of this program have several.
func harmless(s string, limit int) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, cutTo(s, limit))
}

// oneLine is harmless for a directory's path.
func oneLine(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(harmless(s, pathLimit), "\n", "?"), "\t", "?")
}

// Cut shortens a message to what a journal keeps of it, at a whole character.
func Cut(s string) string { return cutTo(s, messageLimit) }

func cutTo(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
