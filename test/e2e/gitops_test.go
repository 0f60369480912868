package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Flux manages both releases: upgrade refuses them, and the commits that plan
// writes lead where an upgrade would have led. The test plays Flux' controller
// with the real Helm, and types what the README says.
func TestCommitsLeadWhereAnUpgradeLeads(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("the README's commands need jq, which is not installed")
	}
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=4")
	s.bundle("a.bundle", "5.10.0", "5.10.0", "1.0.16")
	c := &controller{site: s, applied: map[string]bool{}}
	c.takeOver()

	login := []string{"--ca", s.env["PRIVATE_CA"], "--registry-user", s.env["PRIVATE_USER"], "--password-stdin"}
	refused := s.command("helm-aistor", append([]string{"upgrade", "--yes", "--bundle", "a.bundle"}, login...)...)
	refused.Stdin = s.password()
	out, err := refused.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "reconciled by Flux") || !strings.Contains(string(out), "--bundle a.bundle --gitops DIR") {
		t.Fatalf("upgrade: %v\n%s", err, out)
	}

	s.run("helm-aistor", "plan", "--bundle", "a.bundle", "--gitops", "commits")
	if again, err := s.command("helm-aistor", "plan", "--bundle", "a.bundle", "--gitops", "commits").CombinedOutput(); err == nil {
		t.Errorf("commits were written over others:\n%s", again)
	}
	s.withPassword("helm-aistor", append([]string{"push", "a.bundle", "--registry", s.env["PRIVATE_REGISTRY"]}, login...)...)
	c.follow(filepath.Join(s.dir, "commits"))

	s.wantDeployed("aistor", "aistor", "aistor-operator-5.10.0")
	s.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.16")
	if got := s.run("helm", "get", "values", "primary", "-n", "team-a"); !strings.Contains(got, "planted-secret-key") {
		t.Errorf("values were lost:\n%s", got)
	}
	c.nothingLeft()
}

// controller plays Flux.
type controller struct {
	*site
	applied map[string]bool
}

// takeOver marks the objects of both releases as Flux does, and defines its
// kinds.
func (c *controller) takeOver() {
	for _, kind := range []string{"helmreleases.helm.toolkit.fluxcd.io v2 HelmRelease", "ocirepositories.source.toolkit.fluxcd.io v1 OCIRepository"} {
		f := strings.Fields(kind)
		plural, group, _ := strings.Cut(f[0], ".")
		c.run("kubectl", "apply", "-f", c.write(plural+".yaml", `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"`+f[0]+`"},
"spec":{"group":"`+group+`","scope":"Namespaced","names":{"plural":"`+plural+`","singular":"`+strings.ToLower(f[2])+`","kind":"`+f[2]+`"},"versions":[{"name":"`+f[1]+`","served":true,"storage":true,
"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`))
	}
	mark := func(object ...string) {
		c.run("kubectl", append(append([]string{"label"}, object...), "helm.toolkit.fluxcd.io/name="+object[1]+"-by-flux", "helm.toolkit.fluxcd.io/namespace="+object[3])...)
	}
	mark("objectstores.aistor.min.io", "primary", "-n", "team-a")
	mark("deployment", "object-store-operator", "-n", "aistor")
}

// follow does what the README says, in its order: its commands are typed, and
// before each wait for a HelmRelease the file beside it is applied.
func (c *controller) follow(dir string) {
	c.t.Helper()
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		c.t.Fatal(err)
	}
	_, steps, _ := strings.Cut(string(readme), "\n## 0")
	folder := ""
	for _, l := range strings.Split("## 0"+steps, "\n") {
		if name, ok := strings.CutPrefix(l, "## "); ok {
			folder = filepath.Join(dir, name)
		}
		command, ok := strings.CutPrefix(l, "$ ")
		if !ok {
			continue
		}
		if strings.HasPrefix(command, "kubectl wait helmrelease/") {
			c.reconcile(filepath.Join(folder, "helmrelease.yaml"))
		}
		if strings.HasPrefix(command, "kubectl aistor-upgrade ") {
			command += " --ca " + c.env["PRIVATE_CA"]
		}
		sh := c.command("sh", "-c", command)
		sh.Dir = dir
		if out, err := sh.CombinedOutput(); err != nil {
			c.t.Fatalf("%s: %v\n%s", command, err, out)
		}
		c.applied[filepath.Base(folder)] = true
	}
	for _, step := range []string{"01-recreate-bindings-5.10.0", "02-operator-5.10.0", "03-store-team-a-primary"} {
		if !c.applied[step] {
			c.t.Errorf("the README says nothing to do for %s:\n%s", step, readme)
		}
	}
}

// helmRelease is what Flux reads of one.
type helmRelease struct {
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		ReleaseName, TargetNamespace string
		ChartRef                     struct{ Name string }
		ValuesFrom                   []struct{ Name, ValuesKey string }
		Values                       json.RawMessage
	}
}

// reconcile carries one HelmRelease out as helm-controller does: the values of
// Secrets first, its own on top.
func (c *controller) reconcile(file string) {
	c.t.Helper()
	c.run("kubectl", "apply", "-f", file)
	var list struct{ Items []helmRelease }
	c.read(&list, "kubectl", "get", "-f", file, "-o", "json")
	i := slices.IndexFunc(list.Items, func(h helmRelease) bool { return h.Spec.ReleaseName != "" })
	h := list.Items[i]
	var source struct {
		Spec struct {
			URL string
			Ref struct{ Tag string }
		}
	}
	c.read(&source, "kubectl", "get", "ocirepositories.source.toolkit.fluxcd.io", h.Spec.ChartRef.Name, "-n", h.Metadata.Namespace, "-o", "json")
	args := []string{"upgrade", h.Spec.ReleaseName, source.Spec.URL, "--version", source.Spec.Ref.Tag, "-n", h.Spec.TargetNamespace, "--ca-file", c.env["PRIVATE_CA"]}
	for _, from := range h.Spec.ValuesFrom {
		secret := c.run("kubectl", "get", "secret", from.Name, "-n", h.Metadata.Namespace, "-o",
			`go-template={{index .data "`+from.ValuesKey+`" | base64decode}}`)
		args = append(args, "-f", c.write(from.Name+".yaml", secret))
	}
	args = append(args, "-f", c.write(h.Metadata.Name+".values.json", string(h.Spec.Values)))
	login := c.command("helm", "registry", "login", c.env["PRIVATE_REGISTRY"], "-u", c.env["PRIVATE_USER"], "--password-stdin", "--ca-file", c.env["PRIVATE_CA"])
	login.Stdin = c.password()
	if out, err := login.CombinedOutput(); err != nil {
		c.t.Fatalf("helm registry login: %v\n%s", err, out)
	}
	c.run("helm", args...)
	c.run("kubectl", "patch", "helmreleases.helm.toolkit.fluxcd.io", h.Metadata.Name, "-n", h.Metadata.Namespace, "--type=merge",
		"-p", `{"status":{"history":[{"chartVersion":"`+source.Spec.Ref.Tag+`"}]}}`)
}

func (c *controller) read(into any, name string, args ...string) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.run(name, args...)), into); err != nil {
		c.t.Fatal(err)
	}
}

// nothingLeft demands that what an upgrade would render is what is deployed.
func (c *controller) nothingLeft() {
	c.t.Helper()
	var d struct {
		Releases []struct {
			Release string
			Same    int
			Objects []struct{ Kind, Name string }
		}
	}
	cmd := c.command("helm-aistor", "plan", "--bundle", "a.bundle", "--diff", "-o", "json")
	out, _ := cmd.Output() // refused: Flux manages them
	if err := json.Unmarshal(out, &d); err != nil || len(d.Releases) != 2 {
		c.t.Fatalf("%v\n%s", err, out)
	}
	for _, r := range d.Releases {
		if len(r.Objects) > 0 || r.Same == 0 {
			c.t.Errorf("%s: an upgrade would still change %v, and leave %d", r.Release, r.Objects, r.Same)
		}
	}
}
