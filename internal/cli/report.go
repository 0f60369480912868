package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/report"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// reportOptions say where an upgrade leaves its evidence.
type reportOptions struct {
	files   []string
	logFile string
}

func (o *reportOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.files, "report", nil, "write a report to this .html or .json file, also on failure (can be repeated)")
	fs.StringVar(&o.logFile, "log-file", "", "also write output with timestamps to this file (default: upgrade.log in the backup directory)")
}

// validate finds out before anything is changed whether reports can be written.
func (o *reportOptions) validate() error {
	for _, f := range o.files {
		if ext := strings.ToLower(filepath.Ext(f)); ext != ".html" && ext != ".json" {
			return fmt.Errorf("reading --report %q: expected a name that ends in .html or .json", f)
		}
		if info, err := os.Stat(filepath.Dir(f)); err != nil || !info.IsDir() {
			return fmt.Errorf("reading --report %q: directory %s not found", f, filepath.Dir(f))
		}
	}
	return nil
}

// evidence gathers what the report of one attempt is made of.
type evidence struct {
	log           *transcript
	before, after []*preflight.Report
	waivers       []plan.Waiver
	acknowledged  []string
	outcome       *upgrade.Outcome
	signedBy      string
}

// openLog opens the log; from then on what is shown is also written down.
func (o *runOptions) openLog(t *target) error {
	opts, err := o.checks.buildOptions(t.site)
	if err != nil {
		return err
	}
	o.evidence.waivers, o.evidence.acknowledged = opts.Waivers, o.checks.acknowledgedFor(t.site)
	name := o.reports.logFile
	if name == "" {
		if o.dryRun {
			return nil
		}
		name = filepath.Join(o.backupDir, shortDigest(t.plan.Digest()), "upgrade.log")
	}
	if o.evidence.log, err = openTranscript(name, o.Now, o.redactor().Text); err != nil {
		return withHint(err, "set --backup-dir to a writable directory, or --log-file for the log only")
	}
	o.evidence.log.writeText(o.typedCommand())
	p := *o.Program
	p.Out, p.ErrOut = o.evidence.log.teeTo(p.Out), o.evidence.log.teeTo(p.ErrOut)
	o.Program = &p
	return nil
}

// writeEvidence writes the reports and the error into the log. A report that cannot be
// written is an error of its own, beside how the upgrade ended.
func (o *runOptions) writeEvidence(ctx context.Context, t *target, ended error) error {
	written := o.writeReports(t, ended)
	if log := o.evidence.log; log != nil {
		if o.evidence.outcome != nil {
			printLine(o.Out, "Log          %s", log.name)
		}
		if ended != nil {
			log.writeText(o.describeError(ended))
		}
		if err := log.close(); written == nil {
			written = err
		}
	}
	switch {
	case written == nil:
		return ended
	case ended == nil:
		return written
	}
	return withCode(exitCode(ctx, ended), errors.Join(ended, written))
}

func (o *runOptions) writeReports(t *target, ended error) error {
	if len(o.reports.files) == 0 {
		return nil
	}
	in := report.Input{
		Plan: t.plan, Outcome: o.evidence.outcome, Err: reportedError(ended), Before: o.evidence.before, After: o.evidence.after, Waivers: o.evidence.waivers, Acknowledged: o.evidence.acknowledged,
		Identity: t.inputs.Facts.User, Tool: "aistor-upgrade " + o.Version, SignedBy: o.evidence.signedBy, Now: o.Now(), Mask: o.redactor().Text,
	}
	if o.evidence.log != nil {
		in.Log = o.evidence.log.name
	}
	doc, err := report.NewDocument(in)
	if err != nil {
		return err
	}
	for _, name := range o.reports.files {
		content, err := encodeReport(name, doc)
		if err == nil {
			err = safefile.Write(name, content, 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing report %q: %w", name, err)
		}
		printLine(o.Out, "Report       %s", name)
	}
	return nil
}

// reportedError is an error as a report has it: what was silent because the verb said
// it already is said in words.
func reportedError(err error) error {
	if errors.As(err, new(*silentError)) {
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
	add(e.before, false)
	add(e.after, true)
	return list
}
