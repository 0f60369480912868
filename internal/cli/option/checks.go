package option

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// Checks selects checks and sets how findings count.
type Checks struct {
	only, Skip []string
	Waive      []string
	ack        []string
	FailOn     string
	List       bool
}

// AddFlags registers the flags of a verb that only checks.
func (o *Checks) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.only, "only", nil, "run only these checks, by ID")
	fs.StringSliceVar(&o.Skip, "skip", nil, "skip these checks, by ID")
	o.AddOutcomeFlags(fs)
}

// AddOutcomeFlags registers the flags of a verb that changes things: it leaves
// no check out, and accepts a finding only with a reason.
func (o *Checks) AddOutcomeFlags(fs *pflag.FlagSet) {
	o.AddWaiveFlag(fs)
	fs.StringVar(&o.FailOn, "fail-on", "fail", "exit code 3 on: fail, or warn to also fail on warnings")
	fs.BoolVar(&o.List, "list", false, "list all checks and what they inspect")
}

// AddWaiveFlag registers how findings are accepted, each with its reason.
func (o *Checks) AddWaiveFlag(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.Waive, "waive", nil, "accept a finding, as ID=REASON; it remains in the report (can be repeated)")
}

// AddAcknowledgeFlag registers how manual steps are confirmed. Only checks before
// a change ask for them.
func (o *Checks) AddAcknowledgeFlag(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.ack, "acknowledge", nil, "confirm that a manual step was completed: "+strings.Join(manualStepIDs(), ", "))
}

// Validate says what is wrong with the flags themselves, before anything is
// asked.
func (o *Checks) Validate() error {
	_, err := o.BuildOptions(nil)
	return err
}

// BuildOptions joins the flags with what the site file says.
func (o *Checks) BuildOptions(site *plan.Site) (preflight.Options, error) {
	opts := preflight.Options{Only: o.only, Skip: o.Skip, FailOnWarn: o.FailOn == "warn"}
	if o.FailOn != "warn" && o.FailOn != "fail" {
		return opts, fmt.Errorf("reading --fail-on %q: expected fail or warn", o.FailOn)
	}
	if site != nil {
		opts.Waivers = site.Waivers
	}
	if unknown := preflight.UnknownManualSteps(o.AcknowledgedFor(site)); len(unknown) > 0 {
		return opts, fmt.Errorf("reading --acknowledge %q: expected one of %s", unknown[0], strings.Join(manualStepIDs(), ", "))
	}
	for _, w := range o.Waive {
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
func (o *Checks) checkKnownIDs() error {
	named := preflight.Options{Only: o.only, Skip: o.Skip}
	for _, w := range o.Waive {
		id, _, _ := strings.Cut(w, "=")
		named.Waivers = append(named.Waivers, plan.Waiver{Check: id})
		if preflight.Mandatory(id) {
			return mandatoryError("waive", id)
		}
	}
	for _, id := range o.Skip {
		if preflight.Mandatory(id) {
			return mandatoryError("skip", id)
		}
	}
	for _, id := range preflight.UnknownIDs(nil, named) {
		return term.WithHint(fmt.Errorf("selecting check %q: %s", id, preflight.UnknownIDMessage(nil, id)), "kubectl aistor-upgrade preflight --list")
	}
	return nil
}

// mandatoryError refuses a flag that would keep a check from counting which
// protects data.
func mandatoryError(flag, id string) error {
	return term.WithHint(fmt.Errorf("reading --%s %q: this check protects data and cannot be waived or skipped", flag, id),
		"kubectl aistor-upgrade preflight --only "+id)
}

// CheckApplicableIDs wants the chosen checks to be some that this verb makes: those of
// another one would be left out without a word.
func (o *Checks) CheckApplicableIDs(verb string, checks []preflight.Check) error {
	other := map[string]string{"validate": "preflight", "preflight": "validate"}[verb]
	for _, id := range slices.Concat(o.only, o.Skip) {
		made := slices.ContainsFunc(checks, func(c preflight.Check) bool { return c.ID == id })
		if !made && len(preflight.UnknownIDs(nil, preflight.Options{Only: []string{id}})) == 0 {
			return term.WithHint(fmt.Errorf("selecting check %q: it belongs to %s, not to %s", id, other, verb), "kubectl aistor-upgrade "+verb+" --list")
		}
	}
	return nil
}

// AcknowledgedFor are what a person says was done, by flag or in the site file.
func (o *Checks) AcknowledgedFor(site *plan.Site) []string {
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
