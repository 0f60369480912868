package verb

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// What nodes are configured with where references stay public: OpenShift's
// ImageTagMirrorSet, and containerd's file.
const (
	formatTagMirrorSet = "ImageTagMirrorSet"
	formatHosts        = "hosts.toml"
)

// runMirrorConfig writes what makes the nodes' runtime fetch from the private registry
// what the charts name publicly.
func (o *ValuesOptions) runMirrorConfig(s *ValuesSubject) error {
	if !s.Registry.KeepsReferences() {
		return term.WithHint(fmt.Errorf("writing %s: not needed, because references are rewritten", o.Format), "use --references keep")
	}
	found, err := chart.Discover(s.Chart, s.renderOptions(s.User), chart.DiscoverOptions{})
	if err != nil {
		return err
	}
	var refs []images.Ref
	for _, i := range found {
		if !s.Registry.Owns(i.Ref) {
			refs = append(refs, i.Ref)
		}
	}
	if len(refs) == 0 {
		return errors.New("writing " + o.Format + ": all references already use the private registry")
	}
	text, err := hostsFiles(s.Registry.Mirror, refs)
	if o.Format == formatTagMirrorSet {
		text, err = mirrorSets(s.Registry.Mirror, refs)
	}
	if err == nil {
		fmt.Fprint(o.Out, message.Block(text))
	}
	return err
}

// mirrorSets are OpenShift's objects: one for tags, and one for digests where
// a reference has one, for neither is used for the other.
func mirrorSets(m images.Mirror, refs []images.Ref) (string, error) {
	tagged := func(r images.Ref) bool { return r.Digest == "" }
	digested := func(r images.Ref) bool { return r.Digest != "" }
	var docs []string
	for _, set := range []struct {
		kind, field string
		of          func(images.Ref) bool
	}{{"ImageTagMirrorSet", "imageTagMirrors", tagged}, {"ImageDigestMirrorSet", "imageDigestMirrors", digested}} {
		pairs := mirrorPairs(m, refs, set.of)
		if len(pairs) == 0 {
			continue
		}
		doc, err := message.YAML(mirrorSet(set.kind, set.field, pairs))
		if err != nil {
			return "", fmt.Errorf("writing %s: %w", set.kind, err)
		}
		docs = append(docs, string(doc))
	}
	return strings.Join(docs, "---\n"), nil
}

// mirrorPairs are sources with their mirrors. The vendor's images lie below one
// path, which is redirected as a whole where the private side has it as a
// whole; of what others publish only the images themselves are, for the rest
// of such a path belongs to other workloads of the cluster.
func mirrorPairs(m images.Mirror, refs []images.Ref, of func(images.Ref) bool) map[string]string {
	single, whole, broken := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, r := range refs {
		if !of(r) {
			continue
		}
		source, mirror := r.Name(), m.Map(r).Name()
		single[source] = mirror
		from, to := path.Dir(source), path.Dir(mirror)
		old, seen := whole[from]
		ours := strings.HasPrefix(source, aistor.PublicRegistry+"/"+aistor.PublicPrefix)
		broken[from] = broken[from] || !ours || path.Base(source) != path.Base(mirror) || seen && old != to
		whole[from] = to
	}
	pairs := map[string]string{}
	for source, mirror := range single {
		if from := path.Dir(source); !broken[from] {
			source, mirror = from, whole[from]
		}
		pairs[source] = mirror
	}
	return pairs
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
// path before the public one and cannot take parts of it away, so that not
// every layout of the private registry can be written. The registry is named as
// the server, too: else containerd continues to the public one for what it lacks,
// and behind an airgap waits for it.
func hostsFiles(m images.Mirror, refs []images.Ref) (string, error) {
	bases := map[string]string{}
	for _, r := range refs {
		private := m.Map(r).Path
		base, ok := strings.CutSuffix("/"+private, "/"+r.Path)
		if old, seen := bases[r.Host]; !ok || seen && old != base {
			return "", term.WithHint(fmt.Errorf("writing %s: %s is mapped to %s, but containerd can only prepend a path to %q", formatHosts, r.Name(), private, r.Path),
				"--map "+r.Host+"="+path.Join(m.Prefix, r.Host)+" uses paths that containerd can map")
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
			"# If nodes do not trust the registry's certificate, set in both places\n"+
			"# ca = \"/etc/containerd/certs.d/registry-ca.pem\"\n", host)
		settings := "capabilities = [\"pull\", \"resolve\"]\n" + override
		text += fmt.Sprintf("server = %q\n%s\n[host.%q]\n%s", url, settings, url, settings)
		files = append(files, text)
	}
	return strings.Join(files, "\n"), nil
}
