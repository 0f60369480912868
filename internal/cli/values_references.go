package cli

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// What nodes are configured with where references stay public: OpenShift's
// ImageTagMirrorSet, and containerd's file.
const (
	formatTagMirrorSet = "ImageTagMirrorSet"
	formatHosts        = "hosts.toml"
)

// runKeep writes what makes the nodes' runtime fetch from the private registry
// what the charts name publicly.
func (o *valuesOptions) runKeep(s *valuesSubject) error {
	if !s.registry.Keeps() {
		return withHint(fmt.Errorf("writing %s: references are rewritten, so that no node needs it", o.format), "--references keep leaves them public")
	}
	found, err := chart.Discover(s.chart, s.options(s.user), chart.DiscoverOptions{})
	if err != nil {
		return err
	}
	var refs []images.Ref
	for _, i := range found {
		if !s.registry.Owns(i.Ref) {
			refs = append(refs, i.Ref)
		}
	}
	if len(refs) == 0 {
		return errors.New("writing " + o.format + ": every reference names the private registry already")
	}
	text, err := hostsFiles(s.registry.Mirror, refs)
	if o.format == formatTagMirrorSet {
		text, err = mirrorSets(s.registry.Mirror, refs)
	}
	if err == nil {
		fmt.Fprint(o.Out, text)
	}
	return err
}

// mirrorSets are OpenShift's objects: one for tags, and one for digests where
// a reference has one, for neither is used for the other.
func mirrorSets(m images.Mirror, refs []images.Ref) (string, error) {
	tags, digests := map[string]string{}, map[string]string{}
	for _, r := range refs {
		source, mirror := r.Name(), m.Map(r).Name()
		if path.Base(source) == path.Base(mirror) {
			source, mirror = path.Dir(source), path.Dir(mirror)
		}
		if r.Digest != "" {
			digests[source] = mirror
		} else {
			tags[source] = mirror
		}
	}
	var docs []string
	for _, set := range []struct {
		kind, field string
		pairs       map[string]string
	}{{"ImageTagMirrorSet", "imageTagMirrors", tags}, {"ImageDigestMirrorSet", "imageDigestMirrors", digests}} {
		if len(set.pairs) == 0 {
			continue
		}
		doc, err := yaml.Marshal(mirrorSet(set.kind, set.field, set.pairs))
		if err != nil {
			return "", fmt.Errorf("writing %s: %w", set.kind, err)
		}
		docs = append(docs, string(doc))
	}
	return strings.Join(docs, "---\n"), nil
}

func mirrorSet(kind, field string, pairs map[string]string) map[string]any {
	var list []any
	for _, source := range slices.Sorted(maps.Keys(pairs)) {
		list = append(list, map[string]any{
			"source": source, "mirrors": []string{pairs[source]}, "mirrorSourcePolicy": "NeverContactSource",
		})
	}
	return map[string]any{
		"apiVersion": "config.openshift.io/v1", "kind": kind,
		"metadata": map[string]any{"name": "aistor"}, "spec": map[string]any{field: list},
	}
}

// hostsFiles are containerd's files, one a public registry. containerd puts a
// path before the public one and can't take parts of it away, so that not
// every layout of the private registry can be written. The registry is named as
// the server, too: else containerd goes on to the public one for what it lacks,
// and behind an airgap waits for it.
func hostsFiles(m images.Mirror, refs []images.Ref) (string, error) {
	bases := map[string]string{}
	for _, r := range refs {
		private := m.Map(r).Path
		base, ok := strings.CutSuffix("/"+private, "/"+r.Path)
		if old, seen := bases[r.Host]; !ok || seen && old != base {
			return "", withHint(fmt.Errorf("writing %s: %s lives at %s, and containerd only adds a path before %q", formatHosts, r.Name(), private, r.Path),
				"--map "+r.Host+"="+path.Join(m.Prefix, r.Host)+" pushes and finds the images where containerd can look")
		}
		bases[r.Host] = base
	}
	var files []string
	for _, host := range slices.Sorted(maps.Keys(bases)) {
		url, override := "https://"+m.Registry, ""
		if base := bases[host]; base != "" {
			url, override = url+"/v2"+base, "override_path = true\n"
		}
		text := fmt.Sprintf("# /etc/containerd/certs.d/%s/hosts.toml\n"+
			"# Where nodes don't trust the registry's certificate, say in both places\n"+
			"# ca = \"/etc/containerd/certs.d/registry-ca.pem\"\n", host)
		settings := "capabilities = [\"pull\", \"resolve\"]\n" + override
		text += fmt.Sprintf("server = %q\n%s\n[host.%q]\n%s", url, settings, url, settings)
		files = append(files, text)
	}
	return strings.Join(files, "\n"), nil
}
