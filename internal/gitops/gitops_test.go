package gitops

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var update = flag.Bool("update", false, "write the golden files")

// What reviewers read, for both tools: a intermediate version, bindings that are
// repaired, a license in the values, and a store with credentials.
func TestCommitsAreWhatReviewersRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   plan.Inputs
		tool Tool
	}{
		"flux":   {managedInputs(Flux, "HelmRelease"), ""},
		"argocd": {managedInputs(ArgoCD, "Application"), ""},
		"named":  {upgradeInputs(), Flux},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := joinFiles(t, tc.in, tc.tool)
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
				t.Errorf("commits (-want +got); -update writes them:\n%s", diff)
			}
			for _, secret := range []string{"eyJ", "planted"} {
				if strings.Contains(got, secret) {
					t.Errorf("a file shows %q", secret)
				}
			}
		})
	}
}

func TestWhoManagesAReleaseIsNeverGuessed(t *testing.T) {
	t.Parallel()
	in := upgradeInputs()
	p, err := plan.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = BuildCommits(Request{Plan: p, Inputs: in, Charts: "registry.example.com/charts"})
	if err == nil || !strings.Contains(err.Error(), `"aistor/aistor": neither Flux nor Argo CD`) {
		t.Errorf("error %v", err)
	}
}

// Whoever owns a namespace writes what its objects say of who applies them.
func TestANameFromTheClusterStaysAWordOfTheReadmesCommands(t *testing.T) {
	t.Parallel()
	in := managedInputs(ArgoCD, "Application")
	for i := range in.Facts.GitOpsOwners {
		in.Facts.GitOpsOwners[i].Reconciler.Name = "x; touch pwned #"
	}
	got := joinFiles(t, in, "")
	if !strings.Contains(got, "kubectl wait application/'x; touch pwned #'") || strings.Contains(got, "application/x; touch") {
		t.Errorf("commands with the name:\n%s", got)
	}
}

// The command in the README takes exactly the secrets out, whatever their keys
// are called, and none that does not exist.
func TestTheReadmesCommandPicksTheSecrets(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed")
	}
	cmd := exec.Command("jq", "-c", jqFilter([][]string{{"license"}, {"secrets", "it's.one"}, {"secrets", "not there"}}))
	cmd.Stdin = strings.NewReader(`{"license":"x","open":1,"secrets":{"it's.one":{"a":2},"name":"n"}}`)
	out, err := cmd.CombinedOutput()
	if got, want := strings.TrimSpace(string(out)), `{"license":"x","secrets":{"it's.one":{"a":2}}}`; err != nil || got != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

// joinFiles is every file after its name.
func joinFiles(t *testing.T, in plan.Inputs, tool Tool) string {
	t.Helper()
	in.Options.GitOps = true
	p, err := plan.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RefusalError(); err != nil {
		t.Fatal(err)
	}
	files, err := BuildCommits(Request{Plan: p, Inputs: in, Charts: "registry.example.com/charts", Tool: tool})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range files {
		if filepath.Base(f.Path) == "expected.yaml" { // a plan, as plan --out writes it
			fmt.Fprintf(&b, "-- %s --\n%d steps\n", f.Path, strings.Count(string(f.Content), "\n- action:"))
			continue
		}
		fmt.Fprintf(&b, "-- %s --\n%s", f.Path, f.Content)
	}
	return b.String()
}

func managedInputs(tool Tool, kind string) plan.Inputs {
	in := upgradeInputs()
	for _, key := range []string{"aistor/aistor", "team-a/primary"} {
		namespace, name, _ := strings.Cut(key, "/")
		by := plan.ObjectKey{Kind: kind, Namespace: "gitops", Name: namespace + "-" + name}
		in.Facts.GitOpsOwners = append(in.Facts.GitOpsOwners, plan.GitOpsOwner{Release: key, Tool: string(tool), Reconciler: by})
	}
	return in
}

// upgradeInputs goes from 5.4.0 over 5.8.0 to 5.10.0, where one binding changes its role.
func upgradeInputs() plan.Inputs {
	chart := func(version string) plan.ChartRef {
		return plan.ChartRef{Name: "aistor-operator", Version: version, Digest: "sha256:" + version}
	}
	license := map[string]any{"license": "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJsYWIifQ.c2lnbmF0dXJl", "repositories": map[string]any{
		"aistor": map[string]any{"hostname": "registry.example.com", "pathPrefix": "aistor/"}}}
	old, dashed := bindingObject("aistor:adminjob"), bindingObject("aistor-adminjob")
	operator := plan.Change{Namespace: "aistor", Release: "aistor", Values: license}
	stone, target := operator, operator
	stone.From, stone.To, stone.Intermediate = chart("5.4.0"), chart("5.8.0"), true
	stone.Before, stone.After = []images.Object{secretObject(), old}, []images.Object{secretObject(), old}
	target.From, target.To = chart("5.8.0"), chart("5.10.0")
	target.Before, target.After = stone.After, []images.Object{secretObject(), dashed}
	return plan.Inputs{
		Facts: &plan.Facts{
			ServerVersion: "v1.36.3", ClusterUID: "uid",
			Operator: &plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Values: map[string]any{"license": "older"}, Chart: "aistor-operator", Version: "5.4.0", Status: "deployed", Revision: 3},
			Releases: []plan.InstalledRelease{{Namespace: "team-a", Name: "primary", Values: testCredentials(), Chart: "aistor-objectstore", Version: "1.0.13", Status: "deployed", Revision: 1}},
			Stores:   []plan.Store{{Namespace: "team-a", Name: "primary", Release: "primary"}},
			Bindings: []plan.Binding{{ObjectKey: plan.KeyOf(old, ""), RoleKind: "ClusterRole", RoleName: "aistor:adminjob", Release: "aistor/aistor"}},
		},
		Bundle:   plan.Bundle{Name: "aistor.bundle", Digest: "sha256:b"},
		Registry: plan.SiteRegistry{Mirror: images.Mirror{Registry: "registry.example.com"}, PullSecret: "pull"},
		Operator: []plan.Change{stone, target},
		Stores: []plan.Change{{
			Namespace: "team-a", Release: "primary", Store: "primary",
			From: plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.13"}, To: plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.16", Digest: "sha256:s"},
			Values: testCredentials(),
			After:  []images.Object{{"apiVersion": "aistor.min.io/v1", "kind": "ObjectStore", "metadata": map[string]any{"name": "primary"}}},
		}},
	}
}

func testCredentials() map[string]any {
	return map[string]any{"secrets": map[string]any{"name": "primary-env", "accessKey": "planted-access-key", "secretKey": "planted-secret-key"}}
}

func bindingObject(role string) images.Object {
	return images.Object{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "aistor-adminjob"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": "adminjob-operator", "namespace": "aistor"}},
	}
}

func secretObject() images.Object {
	return images.Object{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "minio-license"}}
}
