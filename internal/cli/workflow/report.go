package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/report"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// evidence gathers what the report of one attempt is made of.
type evidence struct {
	log           *term.Transcript
	Before, after []*preflight.Report
	waivers       []plan.Waiver
	acknowledged  []string
	outcome       *upgrade.Outcome
	SignedBy      string
}

// OpenLog opens the log; from then on what is shown is also written down.
func (o *RunOptions) OpenLog(t *Target) error {
	opts, err := o.Checks.BuildOptions(t.Site)
	if err != nil {
		return err
	}
	o.Evidence.waivers, o.Evidence.acknowledged = opts.Waivers, o.Checks.AcknowledgedFor(t.Site)
	name := o.Reports.LogFile
	if name == "" {
		if o.DryRun {
			return nil
		}
		name = filepath.Join(o.backupDir, option.ShortDigest(t.Plan.Digest()), "upgrade.log")
	}
	if o.Evidence.log, err = term.OpenTranscript(name, o.Now, o.Redactor().Text); err != nil {
		return term.WithHint(err, "set --backup-dir to a writable directory, or --log-file for the log only")
	}
	o.Evidence.log.WriteText(o.TypedCommand())
	p := *o.Program
	p.Out, p.ErrOut = o.Evidence.log.TeeTo(p.Out), o.Evidence.log.TeeTo(p.ErrOut)
	o.Program = &p
	return nil
}

// WriteEvidence writes the reports and the error into the log. A report that cannot be
// written is an error of its own, beside how the upgrade ended.
func (o *RunOptions) WriteEvidence(ctx context.Context, t *Target, ended error) error {
	written := o.writeReports(t, ended)
	if log := o.Evidence.log; log != nil {
		if o.Evidence.outcome != nil {
			term.PrintLine(o.Out, "Log          %s", log.Name)
		}
		if ended != nil {
			log.WriteText(o.DescribeError(ended))
		}
		if err := log.Close(); written == nil {
			written = err
		}
	}
	switch {
	case written == nil:
		return ended
	case ended == nil:
		return written
	}
	return term.WithCode(term.ExitCode(ctx, ended), errors.Join(ended, written))
}

func (o *RunOptions) writeReports(t *Target, ended error) error {
	if len(o.Reports.Files) == 0 {
		return nil
	}
	in := report.Input{
		Plan: t.Plan, Outcome: o.Evidence.outcome, Err: reportedError(ended), Before: o.Evidence.Before, After: o.Evidence.after, Waivers: o.Evidence.waivers, Acknowledged: o.Evidence.acknowledged,
		Identity: t.Inputs.Facts.User, Tool: "aistor-upgrade " + o.Version, SignedBy: o.Evidence.SignedBy, Now: o.Now(), Mask: o.Redactor().Text,
	}
	if o.Evidence.log != nil {
		in.Log = o.Evidence.log.Name
	}
	doc, err := report.NewDocument(in)
	if err != nil {
		return err
	}
	for _, name := range o.Reports.Files {
		content, err := encodeReport(name, doc)
		if err == nil {
			err = safefile.Write(name, content, 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing report %q: %w", name, err)
		}
		term.PrintLine(o.Out, "Report       %s", name)
	}
	return nil
}

// reportedError is an error as a report has it: what was silent because the verb said
// it already is said in words.
func reportedError(err error) error {
	if errors.As(err, new(*term.SilentError)) {
		return errors.New("stopped before the first step: see the failed checks and refusals")
	}
	return err
}

func encodeReport(name string, doc *report.Document) ([]byte, error) {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		b, err := json.MarshalIndent(doc, "", "  ")
		return append(message.JSON(b), '\n'), err
	}
	var b bytes.Buffer
	err := report.WriteHTML(&b, doc)
	return b.Bytes(), err
}

// failedFindings are what the checks found so far that did not pass.
func (e *evidence) failedFindings() []journal.Finding {
	var list []journal.Finding
	add := func(reports []*preflight.Report, after bool) {
		for _, r := range reports {
			for _, one := range r.Results {
				if one.Status != preflight.Pass && one.Status != preflight.Skip {
					list = append(list, journal.Finding{Check: one.ID, Status: string(one.Status), After: after, Message: one.Message, Waived: one.Waived})
				}
			}
		}
	}
	add(e.Before, false)
	add(e.after, true)
	return list
}
