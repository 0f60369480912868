package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

var clock = time.Date(2026, 9, 1, 22, 0, 0, 0, time.UTC)

func clockPlus(s int) time.Time { return clock.Add(time.Duration(s) * time.Second) }

func aPlan() *plan.Plan {
	chart := func(name, version string) *plan.ChartRef {
		return &plan.ChartRef{Name: name, Version: version, Digest: "sha256:" + strings.Repeat("ab", 32)}
	}
	return &plan.Plan{
		Cluster: plan.Cluster{UID: "uid-1", Version: "v1.36.3", Context: "prod"},
		Bundle:  plan.Bundle{Name: "aistor.bundle", Digest: "sha256:" + strings.Repeat("cd", 32)},
		Images:  []plan.PlannedImage{{Private: images.Ref{Host: "registry.example.com", Path: "aistor/minio", Tag: "RELEASE.2026-06-06T02-44-06Z"}, Digest: "sha256:ef"}},
		Steps: []plan.Step{
			{ID: "backup", Title: "back up"},
			{ID: "operator-5.8.0", Title: "operator 5.6.4 to 5.8.0", Target: "aistor/aistor", From: chart("aistor-operator", "5.6.4"), To: chart("aistor-operator", "5.8.0")},
			{ID: "operator-5.10.0", Title: "operator 5.8.0 to 5.10.0", Target: "aistor/aistor", From: chart("aistor-operator", "5.8.0"), To: chart("aistor-operator", "5.10.0")},
			{ID: "store-team-a-primary", Title: "object store", Target: "team-a/primary", Store: "team-a/primary", From: chart("aistor-objectstore", "1.0.13"), To: chart("aistor-objectstore", "1.0.16")},
		},
	}
}

// anOutcome is of an upgrade that was killed in its first attempt.
func anOutcome() *upgrade.Outcome {
	o := &upgrade.Outcome{
		Started: clockPlus(0), Ended: clockPlus(400), Changed: true, Backup: "aistor-upgrade-backup/0123456789ab",
		Attempts: []journal.Attempt{
			{Started: clockPlus(0), Identity: "alice", Findings: []journal.Finding{{Check: "cluster-warnings", Status: "warn", Message: "BackOff of long ago"}}},
			{Started: clockPlus(200), Ended: clockPlus(400), Result: "done", Identity: "alice"},
		},
		Steps: []upgrade.StepOutcome{
			{ID: "backup", Status: journal.StepDone, Started: clockPlus(0), Ended: clockPlus(1)},
			{ID: "operator-5.8.0", Status: journal.StepDone, Started: clockPlus(1), Ended: clockPlus(90)},
			{ID: "operator-5.10.0", Status: journal.StepDone, Started: clockPlus(201), Ended: clockPlus(300), Attempt: 2},
			{ID: "store-team-a-primary", Status: journal.StepDone, Started: clockPlus(300), Ended: clockPlus(400)},
		},
		Availability: []journal.Availability{{Store: "team-a/primary", Pods: 4, LowestReady: 3, Known: true, Probes: 300, Failed: 2, Unavailable: plan.Duration(1500 * time.Millisecond),
			Outages:  []journal.Outage{{From: clockPlus(320), To: clockPlus(321)}, {From: clockPlus(330), To: clockPlus(330).Add(500 * time.Millisecond)}},
			Timeline: []journal.Sample{{Time: clockPlus(0), Ready: 4}, {Time: clockPlus(30), Ready: 3}, {Time: clockPlus(60), Ready: 4}, {Time: clockPlus(200), Ready: 4}}}},
	}
	for i := range 4 {
		lane := journal.PodTimeline{Store: "team-a/primary", Pod: fmt.Sprintf("primary-pool-0-%d", i), Spans: []journal.PodSpan{
			{Time: clockPlus(200), State: journal.PodReady, Revision: "a"}, {Time: clockPlus(310 + 20*i), State: journal.PodEnding, Revision: "a"},
			{Time: clockPlus(315 + 20*i), State: journal.PodGone}, {Time: clockPlus(317 + 20*i), State: journal.PodNotReady, Revision: "b"},
			{Time: clockPlus(328 + 20*i), State: journal.PodReady, Revision: "b"}}}
		o.Pods = append(o.Pods, lane)
	}
	return o
}

func anInput() Input {
	return Input{
		Plan: aPlan(), Outcome: anOutcome(), Identity: "alice", Tool: "aistor-upgrade 0.1.0", Now: clockPlus(401),
		Before: []*preflight.Report{{Results: []preflight.Result{{ID: "nodes-ready", Status: preflight.Pass, Message: "5 nodes are ready"},
			{ID: "downtime", Status: preflight.Fail, Message: "all pods restart at once", Waived: "agreed with the owners"}}}},
		After:   []*preflight.Report{{Results: []preflight.Result{{ID: "stores-green", Status: preflight.Pass, Message: "1 store is green"}}}},
		Waivers: []plan.Waiver{{Check: "downtime", Reason: "agreed with the owners"}},
	}
}

func mustBuild(t *testing.T, in Input) *Document {
	t.Helper()
	d, err := NewDocument(in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustRenderHTML(t *testing.T, d *Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestThePageSaysWhatAnAuditorAsks(t *testing.T) {
	t.Parallel()
	in := anInput()
	in.Outcome.Availability[0].At = []string{"https://s3.example.com/minio/health/cluster"}
	got := mustRenderHTML(t, mustBuild(t, in))
	for _, want := range []string{
		"queried at https://s3.example.com/minio/health/cluster",                                                        // and where
		"AIStor upgrade: <span class=\"done\">done</span>", "operator 5.6.4 → 5.10.0", "team-a/primary 1.0.13 → 1.0.16", // what
		aPlan().Digest(), aPlan().Bundle.Digest, "sha256:" + strings.Repeat("ab", 32), "sha256:ef", // which bytes
		"alice", "prod", "uid-1", "v1.36.3", // who and where
		"2026-09-01 22:00:00 to 2026-09-01 22:06:40 UTC (6m40s)", "begun 2 times", // when
		"nodes-ready", "stores-green", "waived: agreed with the owners", "BackOff of long ago", // checks, also of the attempt before
		"<td class=\"n\">3</td>", "<td class=\"n\">300</td>", "<td class=\"n\">1.5s<br><small>2026-09-01 22:05:20, 1s</small>", // availability
		">unavailable</text>", "unavailable from 2026-09-01 22:05:30 for 500ms",
		"<svg", "primary-pool-0-3", "ready of 4", "Attempt 1 of 2", "Attempt 2 of 2", "killed",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestThePageStandsAlone(t *testing.T) {
	t.Parallel()
	got := mustRenderHTML(t, mustBuild(t, anInput()))
	for _, bad := range []string{"<script", "<link", "<img", "http://", "https://", "@import", "url("} {
		if strings.Contains(got, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

// Names, messages and errors come from the cluster, where others write them.
func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	const hostile = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\" onload=\"alert(3)\u202etxt\x1b[2J{{.Plan}}"
	in := anInput()
	o := in.Outcome
	o.Attempts[0].Message, o.Attempts[0].Findings[0].Message, o.Backup = hostile, hostile, hostile
	o.Steps[1].Message, o.Pods[0].Pod, o.Availability[0].Worst = hostile, hostile, hostile
	o.Availability[0].At = []string{hostile}
	in.Err, in.Identity = errors.New(hostile), hostile
	in.Before[0].Results[1].Message, in.Before[0].Results[1].Details, in.Waivers[0].Reason = hostile, []string{hostile, hostile}, hostile
	in.Plan.Cluster.Context, in.Plan.Warnings = hostile, []plan.Notice{{ID: "x", Message: hostile}}
	in.Plan.Steps[2].Title, in.Plan.Steps[1].Target, in.Plan.Bundle.Name = hostile, hostile, hostile
	got := mustRenderHTML(t, mustBuild(t, in))
	for _, bad := range []string{"<script", "<img", "onload=\"", "\u202e", "\x1b"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(got, "{{.Plan}}") {
		t.Error("text was read as a template")
	}
	wellFormed(t, got)
}

// wellFormed demands that every element that begins also ends.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are open at the end", depth)
	}
}

func TestSecretsAreMaskedInEveryField(t *testing.T) {
	t.Parallel()
	in := anInput()
	const secret = "planted-secret-9"
	in.Err = errors.New("boom " + secret)
	in.Outcome.Attempts[0].Message, in.Outcome.Steps[0].Message, in.Outcome.Availability[0].Worst = secret, secret, secret
	in.Before[0].Results[0].Observed, in.Waivers[0].Reason, in.Plan.Bundle.Name = secret, "because "+secret, secret
	in.Mask = func(s string) string { return strings.ReplaceAll(s, secret, redact.Mask) }
	d := mustBuild(t, in)
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), secret) || strings.Contains(mustRenderHTML(t, d), secret) {
		t.Error("a secret is in the report")
	}
	if !strings.Contains(string(b), redact.Mask) {
		t.Error("nothing was masked")
	}
}

func TestTheResultIsThatOfTheUpgrade(t *testing.T) {
	t.Parallel()
	paused := anOutcome()
	paused.PauseReason = "stopped after \"operator-5.10.0\" as asked"
	for _, tc := range []struct {
		name    string
		outcome *upgrade.Outcome
		err     error
		want    string
	}{
		{"done", anOutcome(), nil, ResultDone},
		{"a check failed before the first step", nil, errors.New("x"), ResultNotStarted},
		{"a step failed", anOutcome(), &upgrade.StoppedError{Cause: errors.New("x")}, ResultStopped},
		{"interrupted", anOutcome(), &upgrade.InterruptedError{}, ResultInterrupted},
		{"paused", paused, nil, ResultPaused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := anInput()
			in.Outcome, in.Err = tc.outcome, tc.err
			d := mustBuild(t, in)
			if d.Result != tc.want {
				t.Errorf("result %q, want %q", d.Result, tc.want)
			}
			if tc.outcome == nil && (len(d.Steps) != 4 || d.Steps[0].Status != journal.StepPending) {
				t.Errorf("steps are not pending: %+v", d.Steps)
			}
			if !strings.Contains(mustRenderHTML(t, d), "AIStor upgrade: "+tc.want) {
				t.Error("the page does not say so in its title")
			}
		})
	}
}

func TestReleasesNameTheWholeWay(t *testing.T) {
	t.Parallel()
	d := mustBuild(t, anInput())
	if len(d.Releases) != 2 {
		t.Fatalf("%d releases: %+v", len(d.Releases), d.Releases)
	}
	op := d.Releases[0]
	if op.From.Version != "5.6.4" || len(op.Over) != 1 || op.Over[0].Version != "5.8.0" || op.To.Version != "5.10.0" {
		t.Errorf("the operator's way: %+v", op)
	}
}

// Nothing may lie outside the picture, whatever the times were.
func TestPicturesStayInsideTheirFrame(t *testing.T) {
	t.Parallel()
	in := anInput()
	in.Outcome.Pods[0].Spans[4].Time = clockPlus(9000)
	in.Outcome.Availability[0].Outages[1].To = clockPlus(9000)
	in.Outcome.Steps[1].Ended = time.Time{}
	in.Outcome.Steps[2].Ended = clockPlus(9000)
	for _, p := range timelineCharts(mustBuild(t, in)) {
		var all []bar
		all = append(all, p.Steps...)
		for _, s := range p.Stores {
			all = append(append(all, s.Curve...), s.Outages.Bars...)
			for _, l := range s.Lanes {
				all = append(all, l.Bars...)
			}
		}
		if len(all) == 0 {
			t.Error("an empty picture")
		}
		for _, b := range all {
			if b.X < float64(p.Left) || b.X+b.W > float64(p.Right)+1 || b.Y < 0 || b.Y+b.H > float64(p.Height) {
				t.Errorf("outside: %+v", b)
			}
		}
		if len(p.Ticks) == 0 || len(p.Ticks) > 20 {
			t.Errorf("%d ticks", len(p.Ticks))
		}
	}
}

// A rerun after half an upgrade has another plan, which begins where the first
// one got to. The report is about both.
func TestTheReportReachesBackOverEarlierPlans(t *testing.T) {
	t.Parallel()
	in := anInput()
	in.Outcome.Earlier = []journal.Run{{
		Plan: "sha256:0ld0ld0ld0ld0", Attempts: []journal.Attempt{{Started: clockPlus(-900), Ended: clockPlus(-800), Result: "stopped", Identity: "bob"}},
		Steps: []journal.StepRecord{
			{ID: "operator-5.6.4", Target: "aistor/aistor", Status: journal.StepDone, Changed: true, Started: clockPlus(-890), Ended: clockPlus(-850),
				From: &plan.ChartRef{Name: "aistor-operator", Version: "5.4.0"}, To: &plan.ChartRef{Name: "aistor-operator", Version: "5.6.4"},
				Saved: []images.Object{{"kind": "ClusterRoleBinding"}}},
			{ID: "never", Status: journal.StepPending},
		},
	}}
	d := mustBuild(t, in)
	if op := d.Releases[0]; op.From.Version != "5.4.0" || len(op.Over) != 2 || op.To.Version != "5.10.0" {
		t.Errorf("the operator's way: %+v", op)
	}
	if len(d.Attempts) != 3 || d.Attempts[0].Identity != "bob" || !d.Started.Equal(clockPlus(-900)) {
		t.Errorf("attempts %+v, begun %s", d.Attempts, d.Started)
	}
	got := mustRenderHTML(t, d)
	for _, want := range []string{"Steps of the earlier plan <code>0ld0ld0ld0ld</code>", "operator-5.6.4", "Attempt 3 of 3"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(got, "never") || len(d.Earlier[0].Steps[0].Saved) != 0 {
		t.Error("the page holds what was never begun, or what only going on needs")
	}
}
