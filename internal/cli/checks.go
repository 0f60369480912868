package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// checkOptions select checks and set how findings count.
type checkOptions struct {
	only, skip []string
	waive      []string
	ack        []string
	failOn     string
	list       bool
}

func (o *checkOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.only, "only", nil, "run only these checks, by ID")
	fs.StringSliceVar(&o.skip, "skip", nil, "skip these checks, by ID")
	o.addOutcomeFlags(fs)
}

// addOutcomeFlags are those of a verb that changes things: it leaves no check
// out, and accepts a finding only with a reason.
func (o *checkOptions) addOutcomeFlags(fs *pflag.FlagSet) {
	o.addWaiverFlags(fs)
	fs.StringVar(&o.failOn, "fail-on", "fail", "exit code 3 on: fail, or warn to also fail on warnings")
	fs.BoolVar(&o.list, "list", false, "list all checks and what they inspect")
}

// addWaiverFlags accepts findings, each with its reason.
func (o *checkOptions) addWaiverFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.waive, "waive", nil, "accept a finding, as ID=REASON; it remains in the report (can be repeated)")
	fs.StringSliceVar(&o.ack, "acknowledge", nil, "confirm that a manual step was completed: "+strings.Join(manualStepIDs(), ", "))
}

// validate says what is wrong with the flags themselves, before anything is
// asked.
func (o *checkOptions) validate() error {
	_, err := o.buildOptions(nil)
	return err
}

// buildOptions joins the flags with what the site file says.
func (o *checkOptions) buildOptions(site *plan.Site) (preflight.Options, error) {
	opts := preflight.Options{Only: o.only, Skip: o.skip, FailOnWarn: o.failOn == "warn"}
	if o.failOn != "warn" && o.failOn != "fail" {
		return opts, fmt.Errorf("reading --fail-on %q: expected fail or warn", o.failOn)
	}
	if site != nil {
		opts.Waivers = site.Waivers
	}
	if unknown := preflight.UnknownManualSteps(o.acknowledgedFor(site)); len(unknown) > 0 {
		return opts, fmt.Errorf("reading --acknowledge %q: expected one of %s", unknown[0], strings.Join(manualStepIDs(), ", "))
	}
	for _, w := range o.waive {
		id, reason, ok := strings.Cut(w, "=")
		if !ok || reason == "" {
			return opts, fmt.Errorf("reading --waive %q: expected ID=REASON", w)
		}
		opts.Waivers = append(opts.Waivers, plan.Waiver{Check: id, Reason: reason})
	}
	return opts, o.checkKnownIDs()
}

// checkKnownIDs wants the IDs of the flags to be those of checks. What the site file
// waives is left to the report: another version may have read it.
func (o *checkOptions) checkKnownIDs() error {
	named := preflight.Options{Only: o.only, Skip: o.skip}
	for _, w := range o.waive {
		id, _, _ := strings.Cut(w, "=")
		named.Waivers = append(named.Waivers, plan.Waiver{Check: id})
		if preflight.Mandatory(id) {
			return mandatoryError("waive", id)
		}
	}
	for _, id := range o.skip {
		if preflight.Mandatory(id) {
			return mandatoryError("skip", id)
		}
	}
	for _, id := range preflight.UnknownIDs(nil, named) {
		return withHint(fmt.Errorf("selecting check %q: %s", id, preflight.UnknownIDMessage(nil, id)), "kubectl aistor-upgrade preflight --list")
	}
	return nil
}

// mandatoryError refuses a flag that would keep a check from counting which
// protects data.
func mandatoryError(flag, id string) error {
	return withHint(fmt.Errorf("reading --%s %q: this check protects data and cannot be waived or skipped", flag, id),
		"kubectl aistor-upgrade preflight --only "+id)
}

// checkApplicableIDs wants the chosen checks to be some that this verb makes: those of
// another one would be left out without a word.
func (o *checkOptions) checkApplicableIDs(verb string, checks []preflight.Check) error {
	other := map[string]string{"validate": "preflight", "preflight": "validate"}[verb]
	for _, id := range slices.Concat(o.only, o.skip) {
		made := slices.ContainsFunc(checks, func(c preflight.Check) bool { return c.ID == id })
		if !made && len(preflight.UnknownIDs(nil, preflight.Options{Only: []string{id}})) == 0 {
			return withHint(fmt.Errorf("selecting check %q: it belongs to %s, not to %s", id, other, verb), "kubectl aistor-upgrade "+verb+" --list")
		}
	}
	return nil
}

// acknowledgedFor are what a person says was done, by flag or in the site file.
func (o *checkOptions) acknowledgedFor(site *plan.Site) []string {
	if site == nil {
		return o.ack
	}
	return slices.Concat(site.Acknowledged, o.ack)
}

func manualStepIDs() []string {
	var ids []string
	for _, g := range preflight.ManualSteps() {
		ids = append(ids, g.ID)
	}
	return ids
}
