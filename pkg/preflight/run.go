package preflight

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Options select the checks and how findings count.
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
	r := &Report{APIVersion: plan.APIVersion, Kind: reportKind(checks), FailOnWarn: opts.FailOnWarn, Results: []Result{}}
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
	for _, done := range startChecks(ctx, selected, subject, opts) {
		emit(<-done)
	}
	for _, id := range UnknownIDs(checks, opts) {
		emit(Result{ID: id, Title: "Unknown check", Status: Error, Message: UnknownIDMessage(checks, id), Remedy: "list the checks with --list"})
	}
	r.updateSummary()
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
	return slices.ContainsFunc(slices.Concat(PreUpgradeChecks(), PostUpgradeChecks()), func(c Check) bool { return c.ID == id && c.Mandatory })
}

// UnknownIDMessage says that no check has the ID, and suggests the nearest one.
func UnknownIDMessage(checks []Check, id string) string {
	message := fmt.Sprintf("unknown check %q", id)
	if meant := closestID(strings.ToLower(id), knownIDs(checks)); meant != "" {
		message += "; did you mean " + meant + "?"
	}
	return message
}

// knownIDs are those of the given checks and of all in this package.
func knownIDs(checks []Check) []string {
	var known []string
	for _, c := range slices.Concat(checks, PreUpgradeChecks(), PostUpgradeChecks()) {
		if !slices.Contains(known, c.ID) {
			known = append(known, c.ID)
		}
	}
	return known
}

// startChecks starts all checks and returns a channel for each result.
func startChecks(ctx context.Context, checks []Check, subject *Subject, opts Options) []chan Result {
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
				results[i] <- runCheck(ctx, c, subject, opts)
			}()
		}
	}()
	return results
}

// runCheck runs one check and completes its result.
func runCheck(ctx context.Context, c Check, subject *Subject, opts Options) (r Result) {
	switch {
	case slices.Contains(opts.Skip, c.ID) && !c.Mandatory:
		r = skipResult("skipped with --skip")
	case ctx.Err() != nil:
		r = Result{Status: Error, Message: "not checked: " + context.Cause(ctx).Error()}
	case subject == nil || subject.Facts == nil:
		r = Result{Status: Error, Message: "not checked: no cluster facts"}
	default:
		r = runRecovered(ctx, c, subject)
	}
	r.ID, r.Title = c.ID, c.Title
	if r.Status == Pass || r.Status == Skip {
		return r
	}
	for _, w := range opts.Waivers {
		switch {
		case w.Check != c.ID:
		case c.Mandatory && r.Status != Warn:
			r.Details = append(r.Details, "waiver ignored: this check cannot be waived")
		default:
			r.Waived = w.Reason
		}
	}
	return r
}

// runRecovered runs a check where it applies, and turns a panic into an error and a
// pass over a gap too.
func runRecovered(ctx context.Context, c Check, subject *Subject) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = Result{Status: Error, Message: fmt.Sprintf("not checked: internal error: %v", p)}
		}
	}()
	switch {
	case c.WithInputs && subject.Inputs == nil:
		return skipResult("no bundle to compare with")
	case c.WithPlan && subject.Plan == nil:
		return skipResult("no plan")
	}
	gaps := gapsOf(subject.Facts, c.Needs...)
	if c.Partial {
		return withPartialGaps(c.Run(ctx, subject), subject.Facts, gaps)
	}
	if g := findOutsideGap(subject.Facts, gaps); g != nil {
		return unobservedResult("%s: outside namespace %s (%s)", g.Subject, subject.Facts.Namespace, g.Cause)
	}
	return withGaps(c.Run(ctx, subject), gaps)
}

// reportKind names the report by what its checks are for.
func reportKind(checks []Check) string {
	if len(checks) > 0 && !slices.ContainsFunc(checks, func(c Check) bool { return c.Phase != PhaseAfter }) {
		return KindValidate
	}
	return KindPreflight
}
