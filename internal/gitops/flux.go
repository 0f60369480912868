package gitops

import (
	"path"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// chartLayer is the media type of a chart's own layer, which Flux has to be
// told: it would take the whole artifact for a directory of manifests.
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// secretValues is the Secret that holds the values which no file here may.
func secretValues(c *plan.Change) string { return c.Release + "-secret-values" }

// fluxObjects makes an OCIRepository with the chart and the HelmRelease that takes it.
func (r Request) fluxObjects(f *stepFolder, open map[string]any) []map[string]any {
	c := f.change
	if c.To.IsInstalled() {
		return []map[string]any{r.helmRelease(f, open)}
	}
	meta := map[string]any{"name": f.owner.Name, "namespace": f.owner.Namespace}
	source := map[string]any{
		"interval": "10m", "url": "oci://" + path.Join(r.Charts, c.To.Name), "ref": map[string]any{"tag": c.To.Version},
		"layerSelector": map[string]any{"mediaType": chartLayer, "operation": "copy"},
	}
	if secret := r.pullSecret(); secret != "" {
		source["secretRef"] = map[string]any{"name": secret}
	}
	release := r.helmRelease(f, open)
	release["spec"].(map[string]any)["chartRef"] = map[string]any{"kind": "OCIRepository", "name": f.owner.Name}
	return []map[string]any{{
		"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": meta, "spec": source,
	}, release}
}

// helmRelease is all of it but the chart.
func (r Request) helmRelease(f *stepFolder, open map[string]any) map[string]any {
	c := f.change
	spec := map[string]any{
		"interval": "10m", "releaseName": c.Release, "targetNamespace": c.Namespace, "storageNamespace": c.Namespace,
		// An automatic rollback may pass an intermediate version.
		"upgrade": map[string]any{"remediation": map[string]any{"retries": 0}},
		"values":  open,
	}
	if len(f.secretPaths) > 0 {
		spec["valuesFrom"] = []any{map[string]any{"kind": "Secret", "name": secretValues(c), "valuesKey": "values.yaml"}}
	}
	return map[string]any{
		"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
		"metadata": map[string]any{"name": f.owner.Name, "namespace": f.owner.Namespace}, "spec": spec,
	}
}

func (r Request) pullSecret() string {
	if r.Inputs.Registry.PullSecret == plan.PullSecretNone {
		return ""
	}
	return r.Inputs.Registry.PullSecret
}

func fluxHeader(f *stepFolder) string {
	head := "# " + message.Line(f.step.Title) + ".\n" +
		"# Merge with the HelmRelease in your repository: interval,\n" +
		"# dependencies, post-renderers.\n"
	if f.change.To.IsInstalled() {
		head += "# The chart is not changed.\n"
	} else {
		head += "# Replace spec.chart with spec.chartRef. A registry with an authority\n" +
			"# of its own also needs spec.certSecretRef in the OCIRepository.\n"
	}
	if len(f.secretPaths) > 0 {
		head += "# Values that contain secrets come from Secret " + message.Line(secretValues(f.change)) + "; if your\n" +
			"# repository has a Secret for them already, name that one.\n"
	}
	return head
}

// encodeDocuments is one YAML file of several objects.
func encodeDocuments(head string, objects []map[string]any) ([]byte, error) {
	out := []byte(head)
	for i, o := range objects {
		doc, err := message.YAML(o)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, "---\n"...)
		}
		out = append(out, doc...)
	}
	return out, nil
}
