package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/verb"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
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
			p := clitest.NewProgram(t)
			p.Getenv = func(name string) string { return map[string]string{"HELM_NAMESPACE": tc.handed}[name] }
			k := option.NewHelmFlags(p)
			*k.KubeConfig = config
			if tc.flag != "" {
				*k.Namespace = tc.flag
			}
			if got := k.ExplicitNamespace(); got != tc.want {
				t.Errorf("namespace = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheCommandToGoOnIsTheOneThatWasTyped(t *testing.T) {
	t.Parallel()
	p := clitest.NewProgram(t)
	o := verb.UpgradeOptions{RunOptions: workflow.RunOptions{TargetOptions: workflow.TargetOptions{Program: p}}}
	p.Args = []string{"upgrade", "--bundle", "my bundle", "--kube-context", "prod", "--waive", "downtime=it's agreed"}
	want := `rerun the same command to resume: helm aistor upgrade --bundle 'my bundle' --kube-context prod --waive 'downtime=it'\''s agreed'`
	if got := o.ResumeCommand(); got != want {
		t.Errorf("command:\n%s\nwant:\n%s", got, want)
	}
}

// Helm takes its own flags out of a plugin's arguments wherever they stand: what
// is printed to be typed again has them back, since it would otherwise mean
// another cluster.
func TestTheCommandToGoOnMeansTheSameCluster(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"as Helm 3 and 4 hand them over", map[string]string{"HELM_KUBECONTEXT": "my prod", "KUBECONFIG": "/etc/site.kubeconfig", "HELM_NAMESPACE": "aistor-system",
			"HELM_KUBEASUSER": "admin", "HELM_KUBEASGROUPS": "ops,dev", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "true", "HELM_KUBETOKEN": "s3cret"}, nil,
			"helm aistor upgrade --kube-context 'my prod' --kubeconfig /etc/site.kubeconfig --kube-insecure-skip-tls-verify=true --kube-as-user admin --kube-as-group ops --kube-as-group dev -n aistor-system"},
		{"nothing was given", map[string]string{"HELM_NAMESPACE": "default", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "false"}, nil, "helm aistor upgrade"},
		{"several files are the environment's", map[string]string{"KUBECONFIG": "/a" + string(filepath.ListSeparator) + "/b"}, nil, "helm aistor upgrade"},
		{"without Helm in between", map[string]string{"HELM_KUBECONTEXT": "other"}, []string{"--kube-context", "prod"}, "helm aistor upgrade --kube-context prod"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := clitest.NewProgram(t)
			p.Getenv = func(name string) string { return tc.env[name] }
			p.Args = append([]string{"upgrade"}, tc.args...)
			o := workflow.NewRunOptions(p, option.NewHelmFlags(p))
			if len(tc.args) > 0 {
				*o.Kube.Context = tc.args[1]
			}
			if got := o.TypedCommand(); got != tc.want {
				t.Errorf("received: %s\nexpected: %s", got, tc.want)
			}
		})
	}
}

func TestAfterDriftThePlanIsMadeAnew(t *testing.T) {
	t.Parallel()
	p := clitest.NewProgram(t)
	o := workflow.NewRunOptions(p, option.NewHelmFlags(p))
	p.Args = []string{"upgrade", "--bundle", "my bundle", "--yes"}
	if got, want := o.ReplanCommand(), "show the plan for the current state: helm aistor upgrade --bundle 'my bundle' --yes --dry-run"; got != want {
		t.Errorf("received: %s\nexpected: %s", got, want)
	}
	p.Args = []string{"upgrade", "--plan", "p.yaml"}
	if got, want := o.ReplanCommand(), "create and review a plan for the current state with: helm aistor plan --out FILE"; got != want {
		t.Errorf("received: %s\nexpected: %s", got, want)
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
	o := verb.UpgradeOptions{RunOptions: workflow.RunOptions{TargetOptions: workflow.TargetOptions{Program: clitest.NewProgram(t)}}, PlanFile: file}
	at := func(p *plan.Plan) *workflow.Target {
		return &workflow.Target{Plan: p, Inputs: plan.Inputs{Facts: &plan.Facts{}}}
	}
	if err := o.CheckReviewedPlan(t.Context(), at(made)); err != nil {
		t.Errorf("the same plan: %v", err)
	}
	other := aPlan()
	other.APIVersion, other.Kind = made.APIVersion, made.Kind
	other.Steps[2].Restarts[0].Pods = 9
	if err := o.CheckReviewedPlan(t.Context(), at(other)); err == nil || !strings.Contains(err.Error(), "step operator-5.10.0 differs") {
		t.Errorf("another plan: %v", err)
	}
}

func TestAVerbThatChangesThingsLeavesNoCheckOut(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--only", "--skip"} {
		if _, errs, code := runHelm(t, "upgrade", flag, "downtime"); code == term.ExitOK || !strings.Contains(errs, "unknown flag") {
			t.Errorf("upgrade %s: exit %d, %q", flag, code, errs)
		}
	}
	out, _, code := runHelm(t, "upgrade", "--yes", "--list")
	if code != term.ExitOK || !strings.Contains(out, "roleref-immutable") {
		t.Errorf("upgrade --list: exit %d, %q", code, out)
	}
}

func TestTheCausesOwnAdviceComesBeforeTheWayOn(t *testing.T) {
	t.Parallel()
	err := &upgrade.StoppedError{
		Step: "push", Next: "rerun the same command to resume: helm aistor upgrade",
		Cause: &images.TagConflictError{Received: "sha256:a", Expected: "sha256:b"},
	}
	got := term.ErrorText(err)
	want := "\nnothing was changed\nhint: check the existing tag before replacing it with --overwrite-tag\n" +
		"then: rerun the same command to resume: helm aistor upgrade"
	if !strings.HasSuffix(got, want) {
		t.Errorf("error:\n%s\nwant it to end with:%s", got, want)
	}
}
