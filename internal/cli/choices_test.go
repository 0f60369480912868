package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Helm hands a namespace over whether or not anybody asked for one.
func TestTheNamespaceIsOneThatWasAskedFor(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: c\n" +
		"contexts: [{name: c, context: {cluster: c, user: u, namespace: team-a}}]\n" +
		"clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {}}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, handed, flag, want string }{
		{"nothing asked for, nothing configured", "default", "", ""},
		{"nothing asked for, the context has its own", "team-a", "", ""},
		{"asked for before the plugin's name", "aistor", "", "aistor"},
		{"asked for after it", "team-a", "aistor", "aistor"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := program(t)
			p.Getenv = func(name string) string { return map[string]string{"HELM_NAMESPACE": tc.handed}[name] }
			k := newHelmOptions(p)
			*k.KubeConfig = config
			if tc.flag != "" {
				*k.Namespace = tc.flag
			}
			if got := k.namespace(); got != tc.want {
				t.Errorf("namespace = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheCommandToGoOnIsTheOneThatWasTyped(t *testing.T) {
	t.Parallel()
	p := program(t)
	o := upgradeOptions{runOptions: runOptions{targetOptions: targetOptions{Program: p}}}
	p.Args = []string{"upgrade", "--bundle", "my bundle", "--kube-context", "prod", "--waive", "downtime=it's agreed"}
	want := `run the same command again: helm aistor upgrade --bundle 'my bundle' --kube-context prod --waive 'downtime=it'\''s agreed'`
	if got := o.command(); got != want {
		t.Errorf("command:\n%s\nwant:\n%s", got, want)
	}
}

func TestOnlyTheReviewedPlanIsCarriedOut(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "plan.yaml")
	made := aPlan()
	made.APIVersion, made.Kind = plan.APIVersion, plan.KindPlan
	b, err := yaml.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	o := upgradeOptions{runOptions: runOptions{targetOptions: targetOptions{Program: program(t)}}, planFile: file}
	at := func(p *plan.Plan) *target { return &target{plan: p, inputs: plan.Inputs{Facts: &plan.Facts{}}} }
	if err := o.reviewed(t.Context(), at(made)); err != nil {
		t.Errorf("the same plan: %v", err)
	}
	other := aPlan()
	other.APIVersion, other.Kind = made.APIVersion, made.Kind
	other.Steps[2].Restarts[0].Pods = 9
	if err := o.reviewed(t.Context(), at(other)); err == nil || !strings.Contains(err.Error(), "step operator-5.10.0 differs") {
		t.Errorf("another plan: %v", err)
	}
}

func TestAVerbThatChangesThingsLeavesNoCheckOut(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--only", "--skip"} {
		if _, errs, code := runHelm(t, "upgrade", flag, "downtime"); code == ExitOK || !strings.Contains(errs, "there is no") {
			t.Errorf("upgrade %s: exit %d, %q", flag, code, errs)
		}
	}
	out, _, code := runHelm(t, "upgrade", "--yes", "--list")
	if code != ExitOK || !strings.Contains(out, "roleref-immutable") {
		t.Errorf("upgrade --list: exit %d, %q", code, out)
	}
}

func TestTheCausesOwnAdviceComesBeforeTheWayOn(t *testing.T) {
	t.Parallel()
	err := &upgrade.StoppedError{
		Step: "push", Next: "run the same command again: helm aistor upgrade",
		Cause: &images.TagConflictError{Have: "sha256:a", Want: "sha256:b"},
	}
	got := describe(err)
	want := "\nnothing was changed\nhint: look at what is there before replacing it with --overwrite-tag\n" +
		"then: run the same command again: helm aistor upgrade"
	if !strings.HasSuffix(got, want) {
		t.Errorf("error:\n%s\nwant it to end with:%s", got, want)
	}
}
