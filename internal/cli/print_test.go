package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fatih/color"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestWhatPeopleReadIsAsReviewed(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(io.Writer){
		"plan":            func(w io.Writer) { display.PrintPlan(w, option.Kube{}, aPlan()) },
		"report":          func(w io.Writer) { display.PrintReport(w, aReport()) },
		"outcome":         func(w io.Writer) { display.PrintOutcome(w, anOutcome()) },
		"events":          printEvents,
		"status":          func(w io.Writer) { display.PrintStatus(w, aStatus(), false) },
		"status-deleting": func(w io.Writer) { display.PrintStatus(w, aStatusWhileDeleting(), false) },
		"bundle":          func(w io.Writer) { display.PrintBundle(w, "sha256:"+strings.Repeat("ab", 32), 412_345_678, aBundle()) },
		"receipt":         func(w io.Writer) { display.PrintReceipt(w, aReceipt()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			write(&b)
			checkGolden(t, name, b.String())
			for n, l := range strings.Split(b.String(), "\n") {
				if len([]rune(l)) > 80 {
					t.Errorf("line %d is wider than 80 columns: %q", n+1, l)
				}
			}
		})
	}
}

func TestExitCodesTellWhatHappened(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"anything unexpected", t.Context(), errors.New("x"), term.ExitError},
		{"a failed check", t.Context(), term.WithoutMessage(term.ExitCheckFailed), term.ExitCheckFailed},
		{"wrapped by a step", t.Context(), workflow.UpgradeError(&upgrade.StoppedError{Cause: term.WithCode(term.ExitCheckFailed, errors.New("x"))}), term.ExitCheckFailed},
		{"stopped with changes", t.Context(), workflow.UpgradeError(&upgrade.StoppedError{Changed: true, Cause: errors.New("x")}), term.ExitStopped},
		{"stopped without changes", t.Context(), workflow.UpgradeError(&upgrade.StoppedError{Cause: errors.New("x")}), term.ExitError},
		{"nothing moved", t.Context(), workflow.UpgradeError(&upgrade.StoppedError{Changed: true, Cause: &upgrade.TimeoutError{}}), term.ExitTimeout},
		{"no answer before anything was changed", t.Context(), workflow.UpgradeError(&upgrade.StoppedError{Cause: fmt.Errorf("reading: %w", context.DeadlineExceeded)}), term.ExitError},
		{"interrupted in an upgrade", t.Context(), workflow.UpgradeError(&upgrade.InterruptedError{}), term.ExitInterrupted},
		{"interrupted elsewhere", cancelled, fmt.Errorf("reading: %w", context.Canceled), term.ExitInterrupted},
		{"a request that took too long", t.Context(), context.DeadlineExceeded, term.ExitTimeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := term.ExitCode(tc.ctx, tc.err); got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
}

// A look that was broken off by the user says so, not what Go calls it.
func TestAnInterruptedLookSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, errs := clitest.NewProgram(t), &bytes.Buffer{}
	p.ErrOut = errs
	look := &cobra.Command{Use: "look", RunE: func(cmd *cobra.Command, _ []string) error {
		return fmt.Errorf("listing pods: %w", cmd.Context().Err())
	}}
	if code := p.Run(ctx, look, []string{}); code != term.ExitInterrupted || errs.String() != "error: listing pods: interrupted\n" {
		t.Errorf("exit %d with %q", code, errs.String())
	}
}

func TestErrorsEndWithTheCommandThatHelps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, want string }{
		{"upgrade --yes", "error: --bundle is required\nhint: create one with: helm aistor bundle create FILE\n"},
		{"push", "error: reading arguments: received 0, expected "},
		{"plan --bundle x --push sometimes", `error: reading --push "sometimes": expected auto or never`},
		{"plan --bundle x --map nonsense", `error: opening bundle "x"`},
		{"upgrade --bundle x --operator-only --object-store a/b", "are mutually exclusive"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, errs, code := runHelm(t, strings.Fields(tc.name)...)
			if code == term.ExitOK || !strings.Contains(errs, tc.want) {
				t.Errorf("exit %d with %q, want %q", code, errs, tc.want)
			}
		})
	}
}

func TestEveryVerbHasAnExampleAndHelp(t *testing.T) {
	t.Parallel()
	p := clitest.NewProgram(t)
	for _, root := range []string{"helm", "kubectl"} {
		cmd := NewHelm(p)
		if root == "kubectl" {
			cmd = NewKubectl(p)
		}
		for _, c := range cmd.Commands() {
			if c.Runnable() && c.Name() != "version" && c.Name() != "completion" && c.Example == "" {
				t.Errorf("%s has no example", c.CommandPath())
			}
			if c.Short == "" {
				t.Errorf("%s says nothing of itself", c.CommandPath())
			}
		}
	}
}

func TestTextFromOutsideCannotMoveTheCursor(t *testing.T) {
	t.Parallel()
	if got := term.SanitizeText("a\x1b[2Jb\r\nc"); got != `a\x1b[2Jb\r\nc` {
		t.Errorf("printable = %q", got)
	}
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test ./internal/cli -update rewrites it:\n%s", file, diff)
	}
}

func runHelm(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	p := clitest.NewProgram(t)
	code = p.Run(t.Context(), NewHelm(p), args)
	return p.Out.(*bytes.Buffer).String(), p.ErrOut.(*bytes.Buffer).String(), code
}

func aPlan() *plan.Plan {
	from, to := plan.ChartRef{Name: "aistor-operator", Version: "5.6.4"}, plan.ChartRef{Name: "aistor-operator", Version: "5.10.0"}
	return &plan.Plan{
		Bundle:   plan.Bundle{Name: "aistor.bundle", Digest: "sha256:0123456789abcdef"},
		Registry: plan.SiteRegistry{Mirror: images.Mirror{Registry: "registry.example.com:5000"}, PullSecret: "private-repo-pull-secret"},
		Images:   []plan.PlannedImage{{Reasons: []images.Reason{{Kind: images.KindDefault}}}, {}},
		Steps: []plan.Step{
			{ID: "backup", Title: "back up values, manifests, CRDs and ObjectStores"},
			{ID: "recreate-bindings-5.10.0", Title: "delete 2 bindings whose role changes",
				Why:     "roleRef is immutable, and Helm would fail during the upgrade",
				Objects: []plan.ObjectKey{{Kind: "ClusterRoleBinding", Name: "aistor-adminjob"}}},
			{ID: "operator-5.10.0", Title: "upgrade the operator 5.6.4 to 5.10.0", From: &from, To: &to, Why: "the target",
				Risk: "no rollback after this step: older CRDs would prune fields", Estimate: plan.Duration(14 * time.Minute),
				Restarts: []plan.Restart{{Store: "team-a/primary", Pods: 8, Strategy: plan.OneByOne,
					Why: "default image RELEASE.2026-05-04T23-02-27Z to RELEASE.2026-06-06T02-44-06Z (expected, unverified)"}},
				Edits: []plan.ValueEdit{{Path: "repositories.aistor.pathPrefix", New: "aistor/"}}},
		},
		Warnings: []plan.Notice{{ID: "image-pinned", Message: "team-a/primary keeps its own image RELEASE.2026-05-04T23-02-27Z, older than the operator's default"}},
		Refusals: []plan.Notice{{ID: "accept-downtime", Message: "operator-5.10.0 may restart all 4 pods of team-b/logs at once, an outage", Hint: "--accept-downtime team-b/logs"}},
	}
}

func aReport() *preflight.Report {
	checks := []preflight.Check{
		checkWith("nodes-ready", preflight.Result{Status: preflight.Pass, Message: "5 nodes are ready"}),
		checkWith("pull-secrets-accepted", preflight.Result{Status: preflight.Fail,
			Message:  "secret team-b/private-repo-pull-secret: 401 from registry.example.com:5000: the registry does not know these credentials",
			Details:  []string{"secret team-b/private-repo-pull-secret: 401 from registry.example.com:5000: the registry does not know these credentials"},
			Observed: "401", Required: "200", Remedy: "kubectl delete secret private-repo-pull-secret -n team-b"}),
		checkWith("permissions", preflight.Result{Status: preflight.Skip, Message: "no rights were reviewed"}),
		checkWith("downtime", preflight.Result{Status: preflight.Fail, Message: "all pods of team-b/logs restart at once"}),
		checkWith("stores-healthy", preflight.Result{Status: preflight.Error, Message: "not looked at: objectstores are forbidden"}),
	}
	return preflight.Run(context.Background(), checks, &preflight.Subject{Facts: &plan.Facts{}},
		preflight.Options{Waivers: []plan.Waiver{{Check: "downtime", Reason: "agreed"}}})
}

func checkWith(id string, r preflight.Result) preflight.Check {
	return preflight.Check{ID: id, Title: strings.ReplaceAll(id, "-", " "), Phase: preflight.PhaseA,
		Run: func(context.Context, *preflight.Subject) preflight.Result { return r }}
}

func anOutcome() *upgrade.Outcome {
	return &upgrade.Outcome{
		Started: clitest.Clock, Ended: clitest.Clock.Add(15 * time.Minute), Backup: "aistor-upgrade-backup/0123456789ab",
		Steps: []upgrade.StepOutcome{
			{ID: "backup", Status: journal.StepDone, Started: clitest.Clock, Ended: clitest.Clock.Add(1200 * time.Millisecond)},
			{ID: "operator-5.10.0", Status: journal.StepFailed, Started: clitest.Clock, Ended: clitest.Clock.Add(10 * time.Minute)},
			{ID: "store-team-a-primary", Status: journal.StepPending},
		},
		Availability: []journal.Availability{
			{Store: "team-a/primary", Pods: 8, LowestReady: 7, Known: true, Probes: 600, Failed: 2, Unanswered: 12, Unavailable: plan.Duration(1500 * time.Millisecond)},
			{Store: "team-b/logs", Pods: 4, LowestReady: 4},
			{Store: "team-c/media", Pods: 4, LowestReady: 3, Known: true, Probes: 600, At: []string{"https://s3.example.com/minio/health/cluster"}},
			{Store: "team-d/backup", Pods: 4, LowestReady: 3, At: []string{"https://a.example.com/minio/health/cluster", "https://b.example.com/minio/health/cluster (through proxy proxy:3128)"}},
		},
	}
}

func printEvents(w io.Writer) {
	e := &display.EventPrinter{W: w, Now: func() time.Time { return clitest.Clock }}
	for _, ev := range []upgrade.Event{
		{Step: "operator-5.10.0", Kind: upgrade.EventStarted, Message: "upgrade the operator 5.6.4 to 5.10.0"},
		{Step: "operator-5.10.0", Kind: upgrade.EventWaiting, Waiting: []string{
			"Deployment/aistor/object-store-operator: 0 of 1 updated, 0 ready", "Pod/aistor/object-store-operator-x: still ending", "c", "d", "e"}},
		{Step: "operator-5.10.0", Kind: upgrade.EventWaiting, Waiting: []string{"not shown: too soon after the one before"}},
		{Step: "operator-5.10.0", Kind: upgrade.EventAlarm, Message: "2 pods of team-a/primary are down where one was promised"},
		{Step: "operator-5.10.0", Kind: upgrade.EventDone},
		{Kind: upgrade.EventProgress, Message: "lease held by another client"},
	} {
		ev.Time = clitest.Clock
		e.HandleEvent(ev)
	}
}

func aStatus() *display.Status {
	return &display.Status{
		Cluster:  "v1.36.3",
		Operator: &plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Chart: "aistor-operator", Version: "5.10.0", Revision: 4, Status: "deployed"},
		Stores: []display.StoreStatus{{Namespace: "team-a", Name: "logs", Chart: "aistor-objectstore-1.0.16", Servers: 8, Ready: 7, Online: 31, Offline: 1, Healing: 1,
			Health: "yellow", Images: []string{"registry.example.com:5000/aistor/minio:RELEASE.2026-06-06T02-44-06Z"}}},
		OperatorReady: 3, OperatorPods: 3, Context: "prod",
		License: display.LicenseStatusOf(&plan.Facts{Stores: []plan.Store{{LicenseExpires: "2026-09-21T22:00:00Z"}}}, clitest.Clock),
		Upgrade: display.RunStatusOf(journal.Run{Attempts: []journal.Attempt{{Started: clitest.Clock}}, Steps: []journal.StepRecord{
			{ID: "backup", Status: journal.StepDone}, {ID: "operator-5.10.0", Status: journal.StepStarted}, {ID: "validate", Status: journal.StepPending}}}, "anna@jump-1 (4242)"),
		Bundle: &display.BundleStatus{Name: "aistor.bundle", Operator: []string{"5.6.4", "5.8.0", "5.10.0"}, MinIO: "RELEASE.2026-06-06T02-44-06Z",
			Stores: map[string][]string{"team-a/logs": {"1.0.13", "1.0.16"}, "team-a/primary": {"1.0.16"}}},
		Gaps: []plan.Gap{{Subject: "nodes", Cause: "nodes is forbidden"}},
	}
}

// aStatusWhileDeleting is a healthy store whose claims are marked for deletion.
func aStatusWhileDeleting() *display.Status {
	doc := aStatus()
	doc.Bundle, doc.Gaps = nil, nil
	s := &doc.Stores[0]
	s.Health, s.Ready, s.Online, s.Offline, s.Healing = "green", 8, 32, 0, 0
	var deletions []plan.Deletion
	for i := range 9 {
		deletions = append(deletions, plan.Deletion{
			Object: plan.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: "team-a", Name: fmt.Sprintf("data0-logs-pool-0-%d", i)},
			State:  plan.DeletionMarked, Since: clitest.Clock.Add(-90 * time.Minute), Stores: []string{"team-a/logs"}, Effect: "it is deleted when its pod restarts",
		})
	}
	doc.ShowDeletions(deletions, clitest.Clock)
	return doc
}

// A store that loses data is never shown as healthy, to people or programs.
func TestAStoreThatIsBeingDeletedIsNotHealthy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		deletions []plan.Deletion
		want      string
	}{
		{nil, "green"},
		{[]plan.Deletion{{State: plan.DeletionMarked, Stores: []string{"team-b/other"}}}, "green"},
		{[]plan.Deletion{{State: plan.DeletionDone, Stores: []string{"team-a/logs"}}}, "red"},
		{[]plan.Deletion{{State: plan.DeletionMarked, Stores: []string{"team-a/logs"}}}, "deleting"},
		{[]plan.Deletion{{State: plan.DeletionMarked, Stores: []string{"team-a/logs"}}, {State: plan.DeletionDone, Stores: []string{"team-a/logs"}}}, "deleting"},
	} {
		doc := aStatus()
		doc.Stores[0].Health, doc.Stores[0].Ready, doc.Stores[0].Healing = "green", 8, 0
		doc.ShowDeletions(tt.deletions, clitest.Clock)
		if got := doc.Stores[0].Health; got != tt.want {
			t.Errorf("%v: received %s, expected %s", tt.deletions, got, tt.want)
		}
		if healthy := display.HealthColor(doc.Stores[0]) == color.FgGreen; healthy != (tt.want == "green") {
			t.Errorf("%v: shown as healthy: %t", tt.deletions, healthy)
		}
	}
}

// A check that protects data is neither waived nor left out by a flag.
func TestAFlagThatLeavesOutWhatProtectsDataIsRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"nothing-deleting", "volumes-kept"} {
		for _, o := range []option.Checks{{Skip: []string{id}, FailOn: "fail"}, {Waive: []string{id + "=it is fine"}, FailOn: "fail"}} {
			if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "cannot be waived or skipped") {
				t.Errorf("%s: received %v", id, err)
			}
		}
	}
}

// What a plan or an interrupted run recorded before is what volumes are compared
// with, not what is there when the plan is made again.
func TestVolumesAreComparedWithTheEarliestRecord(t *testing.T) {
	t.Parallel()
	record := func(volume string) plan.ClaimRecords {
		return plan.ClaimRecords{"team-a/logs": {"data0-logs-pool-0-0": {UID: "u", Volume: volume}}}
	}
	release := plan.InstalledRelease{Namespace: "team-a", Name: "logs", Revision: 2, Status: "failed", Description: journal.DescriptionPrefix + "aaaaaaaaaaaa step s", Created: clitest.Clock}
	s := &preflight.Subject{Facts: &plan.Facts{Releases: []plan.InstalledRelease{release}}, Plan: &plan.Plan{Claims: record("now")}}
	workflow.AddRunState(s, confirmRuns(t, s.Facts))
	if s.Recorded != nil {
		t.Errorf("without a run before: received %v", s.Recorded)
	}
	workflow.AddRunState(s, confirmRuns(t, s.Facts, journal.Run{Plan: "sha256:aaaaaaaaaaaa", ChangedBefore: true, Claims: record("before"), Attempts: []journal.Attempt{{Started: clitest.Clock}}}))
	if got := s.Recorded["team-a/logs"]["data0-logs-pool-0-0"].Volume; got != "before" {
		t.Errorf("after an interrupted run: received %q", got)
	}
}

// kubectl's tables are as wide as their cells; ours keep inside a terminal as
// long as words can be parted, and are left alone where they cannot.
func TestTheLastColumnOfATableGoesOnBelowItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step, what, want string
	}{
		"it fits": {"push", "push images", "#     STEP   WHAT\n1     push   push images\n"},
		"it is too long": {"store-team-a-primary", "wait for object store team-a/primary, which is in place",
			"#     STEP                   WHAT\n" +
				"1     store-team-a-primary   wait for object store team-a/primary, which is in\n" +
				"                             place\n"},
		"the other columns leave no room": {strings.Repeat("s", 60), "wait for object store team-a/primary",
			"#     STEP                                                           WHAT\n" +
				"1     " + strings.Repeat("s", 60) + "   wait for object store team-a/primary\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			option.WriteTable(&b, []string{"#", "STEP", "WHAT"}, [][]string{{"1", c.step, c.what}})
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("the table (-want +got):\n%s", diff)
			}
		})
	}
}
