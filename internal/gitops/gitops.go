package gitops

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Tool keeps releases in line with a repository.
type Tool string

// The tools, named as facts name them.
const (
	Flux   Tool = "Flux"
	ArgoCD Tool = "Argo CD"
)

// ToolsByName are what a user may name, by the word for it.
func ToolsByName() map[string]Tool { return map[string]Tool{"flux": Flux, "argocd": ArgoCD} }

// Request says what is to be written down.
type Request struct {
	// Plan was built from Inputs, with [plan.Options.GitOps].
	Plan   *plan.Plan
	Inputs plan.Inputs
	// Charts is the path in the registry below which the charts are, such as
	// "registry.example.com/charts".
	Charts string
	// Tool is taken for releases of which the cluster does not tell who
	// manages them. The default is that such a release is an error.
	Tool Tool
	// Redactor knows secrets whose values count also where nothing names them;
	// nil knows none.
	Redactor *redact.Redactor
}

// File is one file to be written, its path with slashes.
type File struct {
	Path    string
	Content []byte
}

// NoToolError says of a release that neither Flux nor Argo CD was seen to
// manage it, and that no tool was named.
type NoToolError struct{ Release string }

// Error names the release.
func (e *NoToolError) Error() string {
	return fmt.Sprintf("writing commits for release %q: neither Flux nor Argo CD manages it", e.Release)
}

// Hint names both ways on.
func (*NoToolError) Hint() string {
	return "set --gitops-tool to flux or argocd, or use helm aistor upgrade for unmanaged releases"
}

// BuildCommits are the files of the entire plan: README.md, and a directory for each
// step that changes something. The plan's refusals are not checked.
func BuildCommits(r Request) ([]File, error) {
	var folders []stepFolder
	for _, s := range r.Plan.Steps {
		f, err := r.stepFiles(s, len(folders)+1)
		if err != nil {
			return nil, err
		}
		if f != nil {
			folders = append(folders, *f)
		}
	}
	files := []File{{"README.md", buildReadme(r, folders)}}
	for _, f := range folders {
		files = append(files, f.files...)
	}
	return files, nil
}

// stepFolder is one step with its files.
type stepFolder struct {
	name   string
	step   plan.Step
	change *plan.Change // nil where no release is changed
	tool   Tool
	owner  plan.ObjectKey
	// secretPaths are the paths of values that hold secrets; the release lacks, or has
	// others for, those in again.
	secretPaths, changedSecretPaths [][]string
	files                           []File
}

func (f *stepFolder) addFile(name string, content []byte) {
	f.files = append(f.files, File{f.name + "/" + name, content})
}

// stepFiles makes one step's files, nil for steps that no commit executes.
func (r Request) stepFiles(s plan.Step, n int) (*stepFolder, error) {
	f := &stepFolder{name: fmt.Sprintf("%02d-%s", n, s.ID), step: s}
	switch s.Action {
	case plan.ActionRecreateBindings:
		f.addFile("bindings.yaml", r.encodeBindings(s))
		return f, nil
	case plan.ActionLicense, plan.ActionMarkFailed:
		return f, nil
	case plan.ActionOperator, plan.ActionStore:
	default:
		return nil, nil
	}
	if s.Unchanged {
		return nil, nil
	}
	if f.change = r.changeOf(s); f.change == nil {
		return nil, fmt.Errorf("finding the chart and values of step %q: the plan was made from other inputs", s.ID)
	}
	var err error
	if f.tool, f.owner, err = r.findOwner(*f.change); err != nil {
		return nil, err
	}
	return f, r.addReleaseFiles(f)
}

// addReleaseFiles adds what a step's release consists of: the values, the tool's own
// object, and the plan up to this step, which validate holds the cluster to.
func (r Request) addReleaseFiles(f *stepFolder) error {
	open, left := r.Redactor.Split(f.change.Values)
	f.secretPaths = left
	for _, at := range left {
		if !reflect.DeepEqual(valueAt(f.change.Values, at), valueAt(r.installedValues(f.change), at)) {
			f.changedSecretPaths = append(f.changedSecretPaths, at)
		}
	}
	doc, err := message.YAML(open)
	if err != nil {
		return fmt.Errorf("writing the values of %q: %w", f.step.ID, err)
	}
	f.addFile("values.yaml", append([]byte(valuesHeader(f)), doc...))
	name, head, objects := "helmrelease.yaml", fluxHeader(f), r.fluxObjects(f, open)
	if f.tool == ArgoCD {
		name, head, objects = "application.yaml", argoHeader(f), r.argoApplications(f, open)
	}
	if doc, err = encodeDocuments(head, objects); err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	f.addFile(name, doc)
	until, err := r.planUntil(f.change)
	if err != nil {
		return err
	}
	f.addFile("expected.yaml", until)
	return nil
}

// planUntil is the plan that ends with a change, without what refuses it.
func (r Request) planUntil(c *plan.Change) ([]byte, error) {
	in := r.Inputs
	in.License = nil
	same := func(o plan.Change) bool { return o.Key() == c.Key() && o.To == c.To && o.Store == c.Store }
	if i := slices.IndexFunc(in.Operator, same); i >= 0 {
		in.Operator, in.Stores = in.Operator[:i+1], nil
	} else if i := slices.IndexFunc(in.Stores, same); i >= 0 {
		in.Stores = in.Stores[:i+1]
	}
	p, err := plan.Build(in)
	if err != nil {
		return nil, err
	}
	p.Refusals, p.Warnings = nil, nil
	return message.YAML(p)
}

func (r Request) changeOf(s plan.Step) *plan.Change {
	for _, c := range slices.Concat(r.Inputs.Operator, r.Inputs.Stores) {
		if c.Key() == s.Target && s.To != nil && c.To == *s.To && c.StoreKey() == s.Store {
			return &c
		}
	}
	return nil
}

// findOwner is who manages a release, and through which object. Where nobody was
// seen to, that object gets the release's name.
func (r Request) findOwner(c plan.Change) (Tool, plan.ObjectKey, error) {
	for _, m := range r.Inputs.Facts.GitOpsOwners {
		if m.Release != c.Key() {
			continue
		}
		by := m.Reconciler
		if by.Kind == "Kustomization" { // it applies the HelmRelease, and is none
			by.Namespace, by.Name = c.Namespace, c.Release
		}
		return Tool(m.Tool), by, nil
	}
	if r.Tool == "" {
		return "", plan.ObjectKey{}, &NoToolError{c.Key()}
	}
	by := plan.ObjectKey{Namespace: c.Namespace, Name: c.Release}
	if r.Tool == ArgoCD {
		by.Namespace = "argocd"
	}
	return r.Tool, by, nil
}

// installedValues are the values that a change's release has now.
func (r Request) installedValues(c *plan.Change) map[string]any {
	f := r.Inputs.Facts
	if f.Operator != nil && f.Operator.Key() == c.Key() {
		return f.Operator.Values
	}
	for _, rel := range f.Releases {
		if rel.Key() == c.Key() {
			return rel.Values
		}
	}
	return nil
}

// valueAt is the value at a path, nil where there is none.
func valueAt(values map[string]any, path []string) any {
	var v any = values
	for _, k := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// joinPaths are paths as people read them.
func joinPaths(paths [][]string, between string) string {
	var list []string
	for _, p := range paths {
		list = append(list, strings.Join(p, "."))
	}
	return strings.Join(list, between)
}
