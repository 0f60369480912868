package preflight

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Options choose what runs and how it is judged.
type Options struct {
	// Only names the checks to run; the default is all.
	Only []string
	// Skip names checks to leave out; they are listed as skipped. Those that are
	// mandatory are made all the same.
	Skip []string
	// Waivers accept a warning, failure or error, each with its reason; of a
	// mandatory check they accept a warning alone.
	Waivers []plan.Waiver
	// OnResult is called for each result in the order of the checks, as soon
	// as it and all before it are known, never from two goroutines at once.
	OnResult func(Result)
	// Concurrency is how many checks run at a time. The default is the number
	// of processors.
	Concurrency int
	// FailOnWarn lets warnings count as failures.
	FailOnWarn bool
}

// Run carries the checks out, several at a time, and reports them in the order
// given. A check that panics, an ID that no check has, and what a cancelled
// ctx left undone are errors in the report: Run itself never fails.
func Run(ctx context.Context, checks []Check, subject *Subject, opts Options) *Report {
	r := &Report{APIVersion: plan.APIVersion, Kind: kindOf(checks), FailOnWarn: opts.FailOnWarn, Results: []Result{}}
	if subject != nil && subject.Facts != nil {
		r.Namespace = subject.Facts.Namespace
	}
	emit := func(one Result) {
		r.Results = append(r.Results, one)
		if opts.OnResult != nil {
			opts.OnResult(one)
		}
	}
	selected := slices.DeleteFunc(slices.Clone(checks), func(c Check) bool {
		return len(opts.Only) > 0 && !slices.Contains(opts.Only, c.ID)
	})
	for _, done := range start(ctx, selected, subject, opts) {
		emit(<-done)
	}
	for _, id := range UnknownIDs(checks, opts) {
		emit(Result{ID: id, Title: "Unknown check", Status: Error, Message: SayUnknown(checks, id), Remedy: "list the checks with --list"})
	}
	r.conclude()
	return r
}

// UnknownIDs are the IDs in opts that neither the given checks nor those of
// this package have, so that a misspelt one is told instead of ignored.
func UnknownIDs(checks []Check, opts Options) []string {
	known := knownIDs(checks)
	var unknown []string
	ids := append(slices.Clone(opts.Only), opts.Skip...)
	for _, w := range opts.Waivers {
		ids = append(ids, w.Check)
	}
	for _, id := range ids {
		if !slices.Contains(known, id) && !slices.Contains(unknown, id) {
			unknown = append(unknown, id)
		}
	}
	return unknown
}

// Mandatory reports whether the check with an ID can neither be left out nor be
// waived.
func Mandatory(id string) bool {
	return slices.ContainsFunc(slices.Concat(Before(), After()), func(c Check) bool { return c.ID == id && c.Mandatory })
}

// SayUnknown tells people that no check has an ID, and which one they may have
// meant.
func SayUnknown(checks []Check, id string) string {
	message := fmt.Sprintf("no check has the ID %q", id)
	if meant := nearest(strings.ToLower(id), knownIDs(checks)); meant != "" {
		message += "; did you mean " + meant + "?"
	}
	return message
}

// knownIDs are those of the given checks and of all in this package.
func knownIDs(checks []Check) []string {
	var known []string
	for _, c := range slices.Concat(checks, Before(), After()) {
		if !slices.Contains(known, c.ID) {
			known = append(known, c.ID)
		}
	}
	return known
}

// start sets all checks going and returns where each result will arrive.
func start(ctx context.Context, checks []Check, subject *Subject, opts Options) []chan Result {
	limit := opts.Concurrency
	if limit <= 0 {
		limit = runtime.GOMAXPROCS(0)
	}
	slots := make(chan struct{}, limit)
	results := make([]chan Result, len(checks))
	for i := range checks {
		results[i] = make(chan Result, 1)
	}
	// One goroutine hands out the slots, so that checks start in their order
	// and the first lines appear first.
	go func() {
		for i, c := range checks {
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				results[i] <- one(ctx, c, subject, opts)
			}()
		}
	}()
	return results
}

// one runs one check and completes its result.
func one(ctx context.Context, c Check, subject *Subject, opts Options) (r Result) {
	switch {
	case slices.Contains(opts.Skip, c.ID) && !c.Mandatory:
		r = skip("left out by request")
	case ctx.Err() != nil:
		r = Result{Status: Error, Message: "not looked at: " + context.Cause(ctx).Error()}
	case subject == nil || subject.Facts == nil:
		r = Result{Status: Error, Message: "not looked at: nothing is known of the cluster"}
	default:
		r = guarded(ctx, c, subject)
	}
	r.ID, r.Title = c.ID, c.Title
	if r.Status == Pass || r.Status == Skip {
		return r
	}
	for _, w := range opts.Waivers {
		switch {
		case w.Check != c.ID:
		case c.Mandatory && r.Status != Warn:
			r.Details = append(r.Details, "the waiver does not count: this check cannot be waived")
		default:
			r.Waived = w.Reason
		}
	}
	return r
}

// guarded runs a check where it applies, and turns a panic into an error and a
// pass over a gap too.
func guarded(ctx context.Context, c Check, subject *Subject) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = Result{Status: Error, Message: fmt.Sprintf("not looked at: the check itself broke: %v", p)}
		}
	}()
	switch {
	case c.WithInputs && subject.Inputs == nil:
		return skip("no bundle to compare with")
	case c.WithPlan && subject.Plan == nil:
		return skip("no plan")
	}
	gaps := gapsOf(subject.Facts, c.Needs...)
	if c.Partial {
		return withPartialGaps(c.Run(ctx, subject), subject.Facts, gaps)
	}
	if g := outside(subject.Facts, gaps); g != nil {
		return unseen("%s: outside of namespace %s (%s)", g.What, subject.Facts.Namespace, g.Cause)
	}
	return withGaps(c.Run(ctx, subject), gaps)
}

// kindOf names the report by what its checks are for.
func kindOf(checks []Check) string {
	if len(checks) > 0 && !slices.ContainsFunc(checks, func(c Check) bool { return c.Phase != PhaseAfter }) {
		return KindValidate
	}
	return KindPreflight
}
