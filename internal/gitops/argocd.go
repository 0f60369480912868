package gitops

import (
	"cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// argoApplications makes the Application of a release.
func (r Request) argoApplications(f *stepFolder, open map[string]any) []map[string]any {
	c := f.change
	source := map[string]any{"helm": map[string]any{"releaseName": c.Release, "valuesObject": open}}
	if !c.To.IsInstalled() { // else the chart stays as it is
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
		"metadata": map[string]any{"name": f.owner.Name, "namespace": cmp.Or(f.owner.Namespace, "argocd")}, "spec": spec,
	}}
}

func argoHeader(f *stepFolder) string {
	head := "# " + message.Line(f.step.Title) + ".\n" +
		"# Merge with the Application in your repository: project,\n" +
		"# destination, further sources. The registry has to be known to Argo CD as an\n" +
		"# OCI Helm repository. Pruning is off: deleting a CRD deletes its ObjectStores.\n"
	if len(f.secretPaths) > 0 {
		head += "# INCOMPLETE: these values contain secrets and must come from your\n" +
			"# secret store: " + message.Line(joinPaths(f.secretPaths, ", ")) + "\n"
	}
	return head
}
