package journal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const digest = "sha256:aaaaaaaaaaaaaaaa"

func planOf(steps ...string) *plan.Plan {
	p := &plan.Plan{Kind: plan.KindPlan}
	for _, id := range steps {
		p.Steps = append(p.Steps, plan.Step{ID: id, Action: plan.ActionStore, Target: "ns/" + id})
	}
	return p
}

// begin opens the journal of a plan and writes an attempt into it, that many
// seconds after the epoch.
func begin(t *testing.T, client kubernetes.Interface, digest string, at int64, change func(*journal.Journal)) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), client, "aistor", planOf("one", "two"), digest)
	if err != nil {
		t.Fatal(err)
	}
	j.Begin(journal.Attempt{Started: time.Unix(at, 0).UTC(), Holder: fmt.Sprint("at ", at)})
	if change != nil {
		change(j)
	}
	if err := j.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return j
}

func list(t *testing.T, client kubernetes.Interface) []journal.Run {
	t.Helper()
	runs, err := journal.List(t.Context(), client, "aistor")
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestJournalsAreReadNewestFirstAndForeignOnesLeftOut(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset(
		configMap("x", "{"),
		&core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "y", Namespace: "aistor"}},
	)
	begin(t, client, "sha256:aa", 0, nil)
	begin(t, client, "sha256:bb", 1, nil)
	var got []string
	for _, r := range list(t, client) {
		got = append(got, r.Plan)
	}
	if diff := cmp.Diff([]string{"sha256:bb", "sha256:aa"}, got); diff != "" {
		t.Errorf("journals (-want +got):\n%s", diff)
	}
}

func configMap(name, doc string) *core.ConfigMap {
	return &core.ConfigMap{
		ObjectMeta: meta.ObjectMeta{Name: name, Namespace: "aistor", Labels: map[string]string{"app.kubernetes.io/managed-by": journal.ManagedBy}},
		Data:       map[string]string{"run.json": doc},
	}
}

// The first attempt is suspended, and writes on when the second one is done.
func TestAttemptChangesNothingThatAnotherOneWrote(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset()
	first := begin(t, client, digest, 0, func(j *journal.Journal) {
		s := j.Step("one")
		s.Status, s.Changed, s.Before, s.Calling = journal.StepStarted, true, 1, true
		j.Baseline = map[string]string{"ns/one": "green"}
	})
	begin(t, client, digest, 100, func(j *journal.Journal) {
		for i, id := range []string{"one", "two"} {
			s := j.Step(id)
			s.Status, s.Changed, s.Own, s.Calling = journal.StepDone, true, []int{2 + i}, false
		}
		j.Current().Result = "done"
	})
	done := list(t, client)
	first.Step("one").Status = journal.StepFailed
	first.Current().Result = "stopped"
	if err := first.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs := list(t, client)
	if len(runs) != 1 || runs[0].Result() != "done" || len(runs[0].Attempts) != 2 {
		t.Fatalf("runs: %+v", runs)
	}
	if diff := cmp.Diff(done[0].Steps, runs[0].Steps); diff != "" {
		t.Errorf("steps after the first attempt wrote on (-want +got):\n%s", diff)
	}
	if runs[0].Baseline["ns/one"] != "green" {
		t.Errorf("baseline: %v", runs[0].Baseline)
	}
}

func TestRecordThatSomebodyElseChangedIsLeftAlone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*core.ConfigMap)
		want   string // in the error; empty means none
	}{
		{"its text", func(cm *core.ConfigMap) { cm.Data["run.json"] = "{}" }, "it was changed by another client"},
		{"its labels alone", func(cm *core.ConfigMap) { cm.Labels["team"] = "a" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := fake.NewSimpleClientset()
			j := begin(t, client, digest, 0, nil)
			cm, err := client.CoreV1().ConfigMaps("aistor").Get(t.Context(), j.Name(), meta.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			tt.change(cm)
			if _, err = client.CoreV1().ConfigMaps("aistor").Update(t.Context(), cm, meta.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			conflicts := 0
			client.PrependReactor("update", "configmaps", func(ktesting.Action) (bool, runtime.Object, error) {
				if conflicts++; conflicts == 1 {
					return true, nil, apierrors.NewConflict(core.Resource("configmaps"), j.Name(), nil)
				}
				return false, nil, nil
			})
			j.Step("one").Status = journal.StepDone
			err = j.Save(t.Context())
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error: %v", err)
			}
			now, _ := client.CoreV1().ConfigMaps("aistor").Get(t.Context(), j.Name(), meta.GetOptions{})
			if tt.want != "" && now.Data["run.json"] != "{}" || tt.want == "" && now.Labels["team"] != "a" {
				t.Errorf("it was overwritten: %v", now)
			}
		})
	}
}

// The clocks of two machines differ; the API server's own says what came first.
func TestAttemptsAreInTheOrderOfTheAPIServersClock(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset()
	for i, at := range []int64{5_000, 10} { // the second machine's clock is behind
		client.PrependReactor("create", "configmaps", func(a ktesting.Action) (bool, runtime.Object, error) {
			cm := a.(ktesting.CreateAction).GetObject().(*core.ConfigMap)
			if cm.CreationTimestamp.IsZero() {
				cm.CreationTimestamp = meta.Unix(int64(100+i), 0)
			}
			return false, nil, nil
		})
		begin(t, client, digest, at, func(j *journal.Journal) { j.Current().Result = []string{"stopped", "done"}[i] })
	}
	if got := list(t, client)[0].Result(); got != "done" {
		t.Errorf("result %q", got)
	}
}

func TestRunKnowsWhichOneResumedIt(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset()
	begin(t, client, "sha256:aa", 0, nil)
	begin(t, client, "sha256:bb", 1, func(j *journal.Journal) { j.Resumes = "sha256:aa" })
	runs := list(t, client)
	if runs[1].ResumedBy != "sha256:bb" || runs[0].ResumedBy != "" {
		t.Errorf("resumed by %q and %q", runs[0].ResumedBy, runs[1].ResumedBy)
	}
	begin(t, client, "sha256:aa", 2, nil)
	if runs = list(t, client); runs[0].Plan != "sha256:aa" || runs[0].ResumedBy != "" {
		t.Errorf("the newest run is %s, resumed by %q", runs[0].Plan, runs[0].ResumedBy)
	}
}

// Whatever wrote it: what this program cannot have written is no journal.
func TestForgedJournalsAreLeftOut(t *testing.T) {
	t.Parallel()
	const good = `{"apiVersion":"` + plan.APIVersion + `","plan":"sha256:aa","attempts":[{"started":"2026-01-02T03:04:05Z"}],"steps":[{"id":"s","action":"store","status":"done"}]}`
	replace := func(old, now string) string { return strings.Replace(good, old, now, 1) }
	tests := []struct {
		name, doc string
		want      int
	}{
		{"as it is written", good, 1},
		{"of another API", replace(plan.APIVersion, "v9"), 0},
		{"of an unknown kind", replace(`"plan"`, `"kind":"Shell","plan"`), 0},
		{"a plan that is a path", replace("sha256:aa", "../../etc"), 0},
		{"no attempt", replace(`[{"started":"2026-01-02T03:04:05Z"}]`, `[]`), 0},
		{"an unknown result", replace(`{"started"`, `{"result":"rm -rf","started"`), 0},
		{"an unknown state", replace(`"done"`, `"half"`), 0},
		{"a step without a name", replace(`"id":"s"`, `"id":""`), 0},
		{"a step whose name has lines", replace(`"id":"s"`, `"id":"s\nhint: run this"`), 0},
		{"a step that turns the text around", replace(`"id":"s"`, "\"id\":\"s\u202e\""), 0},
		{"a step twice", replace(`"steps":[`, `"steps":[{"id":"s","status":"done"},`), 0},
		{"a negative revision", replace(`"id":"s"`, `"id":"s","before":-1`), 0},
		{"an absurd revision", replace(`"id":"s"`, `"id":"s","own":[9223372036854775807]`), 0},
		{"a number that is none", replace(`"id":"s"`, `"id":"s","own":[1e400]`), 0},
		{"a time that is none", replace("2026-01-02T03:04:05Z", "yesterday"), 0},
		{"too large", replace(`"id":"s"`, `"id":"s","message":"`+strings.Repeat("x", 900_001)+`"`), 0},
		{"too many steps", replace(`"steps":[`, `"steps":[`+strings.Repeat(`{"id":"t"},`, 2_000)), 0},
		{"a journal that resumes a text", replace(`"plan"`, `"resumes":"$(x)","plan"`), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := fake.NewSimpleClientset(configMap("forged", tt.doc))
			if got := len(list(t, client)); got != tt.want {
				t.Errorf("%d journals", got)
			}
		})
	}
}

func TestTextsOfJournalsAreHarmless(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset(configMap("forged", `{"apiVersion":"`+plan.APIVersion+`","plan":"sha256:aa","backup":"/x\n/y\u001b[2J","steps":[],
		"attempts":[{"started":"2026-01-02T03:04:05Z","holder":"a\u001b[31mb\u202ec","message":"one\ntwo\rthree`+strings.Repeat("x", 5_000)+`"}]}`))
	r := list(t, client)[0]
	a := r.Attempts[0]
	if a.Holder != "a?[31mb?c" || r.Backup != "/x?/y?[2J" || !strings.HasPrefix(a.Message, "one\ntwo?three") || len(a.Message) > 1_100 {
		t.Errorf("holder %q, backup %q, message %d %q", a.Holder, r.Backup, len(a.Message), a.Message[:20])
	}
}

func TestRecordStaysInsideItsLimit(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset()
	size := func(j *journal.Journal) int {
		cm, err := client.CoreV1().ConfigMaps("aistor").Get(t.Context(), j.Name(), meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return len(cm.Data["run.json"])
	}
	long := strings.Repeat("ä", 3_000)
	j := begin(t, client, digest, 0, func(j *journal.Journal) {
		for i := range 300 {
			j.Steps = append(j.Steps, journal.StepRecord{ID: fmt.Sprint("s", i), Status: journal.StepDone, Message: long, Own: []int{3}})
		}
		for range 60 {
			a := journal.Availability{Store: strings.Repeat("s", 60)}
			for range 100 {
				a.Timeline = append(a.Timeline, journal.Sample{Time: time.Unix(1, 0), Ready: 1})
			}
			j.Availability = append(j.Availability, a)
		}
		j.Current().Message = long
	})
	if n := size(j); n > 200_000 {
		t.Errorf("%d bytes", n)
	}
	if r := list(t, client); len(r) != 1 || r[0].Step("s7").Own[0] != 3 {
		t.Error("what resuming needs was lost")
	}
	if len(j.Availability[0].Timeline) == 0 {
		t.Error("writing changed the run itself")
	}
	j.Step("one").Saved = []images.Object{{"x": strings.Repeat("x", 900_000)}}
	if err := j.Save(t.Context()); err == nil {
		t.Error("a record beyond the limit was written")
	}
}

// What made the installed revisions, and what did not end, is found as long as
// Helm's records show it, however many attempts and forged journals there are.
func TestRecordsOfWhatIsInstalledAreNeverPruned(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Date(2026, 1, 2, 3, n, 0, 0, time.UTC) }
	for _, tc := range []struct {
		name     string
		revision journal.Revision
		result   string
	}{
		{"deployed", journal.Revision{Number: 2, Status: "deployed", Description: journal.DescriptionPrefix + "aaaaaaaaaaaa step s"}, "done"},
		{"failed", journal.Revision{Number: 2, Status: "failed", Description: "Upgrade failed: x"}, "stopped"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client := fake.NewSimpleClientset()
			n := 0
			client.PrependReactor("create", "configmaps", func(a ktesting.Action) (bool, runtime.Object, error) {
				a.(ktesting.CreateAction).GetObject().(*core.ConfigMap).CreationTimestamp = meta.NewTime(at(n))
				n++
				return false, nil, nil
			})
			made := func(j *journal.Journal) {
				s := j.Step("one")
				s.Action, s.Changed, s.Before, s.Status = plan.ActionStore, true, 1, journal.StepDone
				s.Own, s.Begun = []int{2}, map[int]time.Time{2: at(1)}
				j.Current().Result = tc.result
			}
			begin(t, client, digest, 0, made)
			tc.revision.Begun, tc.revision.Created = at(1), at(1)
			ev := journal.Evidence{Revisions: map[string][]journal.Revision{"ns/one": {tc.revision}}}
			for i := range int64(70) {
				j := begin(t, client, fmt.Sprintf("sha256:cc%x", i), 10+i, func(j *journal.Journal) {
					j.Confirm(ev)
					j.Begin(journal.Attempt{Started: time.Unix(i, 0)})
					made(j) // so says a forged one
				})
				if err := j.Prune(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			all, err := journal.Read(t.Context(), client, "aistor")
			if err != nil {
				t.Fatal(err)
			}
			c := all.Confirm(ev)
			if len(c.Runs) != 1 || c.Runs[0].Plan != digest || (journal.Unfinished(c.Runs) != nil) != (tc.result == "stopped") {
				t.Errorf("runs that are borne out: %+v", c.Runs)
			}
			if n := len(all.Runs()); n > 60 {
				t.Errorf("%d runs are kept", n)
			}
		})
	}
}

// An installation may have thousands of object stores, each with a step.
func TestPlanWithThousandsOfStepsIsRecorded(t *testing.T) {
	t.Parallel()
	for _, steps := range []int{1_001, 3_000} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			t.Parallel()
			client := fake.NewSimpleClientset()
			p := &plan.Plan{Kind: plan.KindPlan}
			chart := func(version string) *plan.ChartRef {
				return &plan.ChartRef{Name: "aistor-objectstore", Version: version, Digest: digestOf("a")}
			}
			for i := range steps {
				id := fmt.Sprintf("store-tenant-%d-primary", i)
				p.Steps = append(p.Steps, plan.Step{ID: id, Action: plan.ActionStore, Target: "tenant-" + fmt.Sprint(i) + "/primary", From: chart("1.0.13"), To: chart("1.0.16")})
			}
			j, err := journal.Open(t.Context(), client, "aistor", p, digest)
			if err != nil {
				t.Fatal(err)
			}
			j.Begin(journal.Attempt{Started: time.Unix(1, 0)})
			j.Baseline, j.Claims = map[string]string{}, plan.ClaimRecords{}
			for i := range j.Steps {
				s := &j.Steps[i]
				s.Status, s.Attempt, s.Changed, s.Before, s.Own = journal.StepDone, 1, true, 1, []int{2}
				s.Started, s.Ended, s.Called, s.Begun = time.Now(), time.Now(), time.Now(), map[int]time.Time{2: time.Now()}
				s.Message = "3 pods of tenant/primary restarted one by one"
				s.Making = &journal.Operation{Chart: "aistor-objectstore", Version: "1.0.16", Values: digestOf("b")}
				j.Baseline[s.Target], j.Claims[s.Target] = "green", map[string]plan.ClaimID{"data0-primary-pool-0-0": {UID: "u", Volume: "pv"}}
				j.Availability = append(j.Availability, journal.Availability{Store: s.Target, Pods: 4, LowestReady: 3, Known: true})
			}
			last := &j.Steps[steps-1]
			last.Status, last.Calling = journal.StepStarted, true
			if err := j.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			runs := list(t, client)
			if len(runs) != 1 || len(runs[0].Steps) != steps {
				t.Fatalf("%d runs", len(runs))
			}
			first, end := runs[0].Steps[0], runs[0].Steps[steps-1]
			if !first.Status.Over() || !first.Changed || !end.Calling || end.Making == nil || runs[0].Baseline[first.Target] != "green" {
				t.Errorf("what resuming needs was lost: %+v, %+v", first, end)
			}
		})
	}
}

func TestPlanThatNoRecordCanHoldIsRefusedBeforeItBegins(t *testing.T) {
	t.Parallel()
	_, err := journal.Open(t.Context(), fake.NewSimpleClientset(), "aistor", &plan.Plan{Steps: make([]plan.Step, 3_001)}, digest)
	if err == nil || !strings.Contains(err.Error(), "received: 3001 steps\nexpected: at most 3000") {
		t.Errorf("error: %v", err)
	}
}

func digestOf(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

func TestRecordThatWasDeletedIsWrittenAnew(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset()
	j := begin(t, client, digest, 0, nil)
	if err := client.CoreV1().ConfigMaps("aistor").Delete(t.Context(), j.Name(), meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := j.Save(t.Context()); err != nil || len(list(t, client)) != 1 {
		t.Errorf("error %v", err)
	}
}

// What status and rollback need stays, however many attempts there were since.
func TestOldRecordsArePruned(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset()
	upgraded := func(j *journal.Journal) {
		s := j.Step("one")
		s.Changed, s.Before, s.Own, s.Status = true, 1, []int{2}, journal.StepDone
	}
	begin(t, client, "sha256:aa", 0, upgraded)
	begin(t, client, "sha256:bb", 1, func(j *journal.Journal) { upgraded(j); j.Resumes = "sha256:aa" })
	for i := range int64(80) {
		j := begin(t, client, fmt.Sprintf("sha256:cc%x", i/2), 10+i, nil)
		if err := j.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all, err := client.CoreV1().ConfigMaps("aistor").List(t.Context(), meta.ListOptions{})
	if err != nil || len(all.Items) > 55 {
		t.Errorf("%d records, error %v", len(all.Items), err)
	}
	runs := list(t, client)
	newest := journal.NewestUpgrade(runs)
	if newest == nil || newest.Plan != "sha256:bb" || len(journal.Lineage(runs, *newest)) != 1 {
		t.Errorf("the newest upgrade is lost: %+v", newest)
	}
	denied := fake.NewSimpleClientset()
	denied.PrependReactor("delete", "configmaps", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(core.Resource("configmaps"), "x", nil)
	})
	for i := range int64(60) {
		j := begin(t, denied, digest, i, nil)
		if err := j.Prune(context.Background()); err != nil {
			t.Fatalf("who may not delete: %v", err)
		}
	}
}
