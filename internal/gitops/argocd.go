package gitops

import (
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// argo makes the Application of a release.
func (r Request) argo(f *folder, open map[string]any) []map[string]any {
	c := f.change
	source := map[string]any{"helm": map[string]any{"releaseName": c.Release, "valuesObject": open}}
	if !c.To.Installed() { // else the chart stays as it is
		source["repoURL"], source["chart"], source["targetRevision"] = r.Charts, c.To.Name, c.To.Version
	}
	spec := map[string]any{
		"project":     "default",
		"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": c.Namespace},
		"source":      source,
		// Definitions are too large for the annotation of a client-side apply.
		"syncPolicy": map[string]any{"syncOptions": []any{"ServerSideApply=true"}},
	}
	return []map[string]any{{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": map[string]any{"name": f.by.Name, "namespace": orElse(f.by.Namespace, "argocd")}, "spec": spec,
	}}
}

func argoHead(f *folder) string {
	head := "# " + message.Line(f.step.Title) + ".\n" +
		"# Take over what your repository has of this Application beside it: project,\n" +
		"# destination, further sources. The registry has to be known to Argo CD as an\n" +
		"# OCI Helm repository. Nothing is pruned: an ObjectStore goes with its definition.\n"
	if len(f.left) > 0 {
		head += "# NOT COMPLETE: these values hold secrets, and have to come from where your\n" +
			"# installation keeps them: " + message.Line(dotted(f.left, ", ")) + "\n"
	}
	return head
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
