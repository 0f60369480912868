package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestJournalsAreReadNewestFirstAndForeignOnesLeftOut(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset(
		&core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "x", Namespace: "aistor", Labels: managedLabels()}, Data: map[string]string{journalKey: "{"}},
		&core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "y", Namespace: "aistor"}},
	)
	for i, digest := range []string{"sha256:aaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbb"} {
		j := &journal{client: client, namespace: "aistor", patience: time.Second}
		p := &plan.Plan{Steps: []plan.Step{{ID: "backup", Action: plan.ActionBackup}}}
		if err := j.open(t.Context(), p, digest); err != nil {
			t.Fatal(err)
		}
		j.run.Attempts = append(j.run.Attempts, Attempt{Started: time.Unix(int64(i), 0).UTC()})
		if err := j.save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := ReadJournals(t.Context(), client, "aistor")
	if err != nil {
		t.Fatal(err)
	}
	steps := []StepRecord{{ID: "backup", Action: plan.ActionBackup, Status: StepPending}}
	want := []Run{
		{APIVersion: plan.APIVersion, Plan: "sha256:bbbbbbbbbbbbbbbb", Attempts: []Attempt{{Started: time.Unix(1, 0).UTC()}}, Steps: steps},
		{APIVersion: plan.APIVersion, Plan: "sha256:aaaaaaaaaaaaaaaa", Attempts: []Attempt{{Started: time.Unix(0, 0).UTC()}}, Steps: steps},
	}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("journals (-want +got):\n%s", diff)
	}
	if _, err := client.CoreV1().ConfigMaps("aistor").Get(t.Context(), "aistor-upgrade-aaaaaaaaaaaa", meta.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func TestJournalStaysInsideItsLimit(t *testing.T) {
	t.Parallel()
	j := &journal{run: Run{Plan: "sha256:aa"}}
	long := strings.Repeat("ä", 3_000)
	for range 300 {
		j.run.Steps = append(j.run.Steps, StepRecord{ID: "s", Message: long, Saved: []images.Object{{"kind": "ClusterRoleBinding"}}})
		j.run.Attempts = append(j.run.Attempts, Attempt{Message: long})
	}
	doc, err := j.encode()
	if err != nil || len(doc) > journalLimit || len(j.run.Attempts) != attemptLimit {
		t.Fatalf("%d bytes, %d attempts, error %v", len(doc), len(j.run.Attempts), err)
	}
	j.run.Steps[0].Saved = []images.Object{{"x": strings.Repeat("x", journalLimit)}}
	if _, err := j.encode(); err == nil {
		t.Error("a journal beyond the limit was written")
	}
}

func TestRevisionsAreAttributedToTheRunThatMadeThem(t *testing.T) {
	t.Parallel()
	r := Run{Steps: []StepRecord{
		{Target: "a/b", Own: []int{4, 6}},
		{Target: "c/d", Before: 7, Calling: true},
	}}
	tests := []struct {
		target   string
		revision int
		want     bool
	}{
		{"a/b", 4, true}, {"a/b", 5, false}, {"a/b", 6, true}, {"a/b", 8, false},
		{"c/d", 7, false}, {"c/d", 8, true}, {"c/d", 9, false},
	}
	for _, tt := range tests {
		if got := r.owns(tt.target, tt.revision); got != tt.want {
			t.Errorf("%s revision %d: received: %t", tt.target, tt.revision, got)
		}
	}
}

// Somebody tidies up ConfigMaps while the run goes on.
func TestJournalThatWasDeletedIsWrittenAnew(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		deleted := 0
		w.onHalf = func(UpgradeRequest) {
			all, err := w.client.CoreV1().ConfigMaps("aistor").List(t.Context(), meta.ListOptions{})
			if err != nil {
				t.Error(err)
			}
			for _, cm := range all.Items {
				deleted++
				if err := w.client.CoreV1().ConfigMaps("aistor").Delete(t.Context(), cm.Name, meta.DeleteOptions{}); err != nil {
					t.Error(err)
				}
			}
		}
		if _, err := w.attempt(t, "me").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.stored(t)[0].Result(); got != "done" || deleted == 0 {
			t.Errorf("result %q, %d deleted", got, deleted)
		}
	})
}
