package plan

import (
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// DescribeSite writes down an installation as a [Site] from what was seen of it.
// The registry is taken from what the operator's values name, else from the
// images of its pods; it is empty where they still come from public ones.
func DescribeSite(f *Facts) Site {
	s := Site{
		APIVersion: APIVersion, Kind: KindSite,
		Registry: describeRegistry(f), Platforms: describePlatforms(f), Kubernetes: f.ServerVersion,
		Images: describeImages(f),
	}
	for _, r := range operatorImages(f) {
		if !slices.Contains(s.Images, r) {
			s.ConfiguredImages = append(s.ConfiguredImages, r)
		}
	}
	if op := f.Operator; op != nil {
		s.Operator = SiteRelease{Namespace: op.Namespace, Release: op.Name, Chart: op.Chart, Version: op.Version}
	}
	for _, st := range f.Stores {
		entry := SiteRelease{Namespace: st.Namespace, Release: st.Release, Store: st.Name}
		if r := f.findRelease(st.Namespace + "/" + st.Release); r != nil {
			entry.Chart, entry.Version = r.Chart, r.Version
		}
		s.ObjectStores = append(s.ObjectStores, entry)
	}
	return s
}

func describeRegistry(f *Facts) SiteRegistry {
	r := SiteRegistry{PullSecret: PullSecretNone}
	if f.Operator == nil {
		return r
	}
	repositories, _ := f.Operator.Values["repositories"].(map[string]any)
	var rules []images.Rule
	for _, key := range aistor.RepositoryKeys() {
		repo, _ := repositories[key].(map[string]any)
		base, known := aistor.PublicBase(key)
		host := images.NestedString(repo, "hostname")
		if host == "" || host == aistor.PublicRegistry || !known {
			continue
		}
		if r.Registry == "" {
			r.Registry = host
		}
		if host != r.Registry {
			continue
		}
		// Where the values name no path, the chart's version decides, so
		// that nothing can be kept.
		if to := strings.Trim(images.NestedString(repo, "pathPrefix"), "/"); to != "" {
			rules = append(rules, images.Rule{From: base, To: to})
		}
		if name := firstSecret(repo); name != "" {
			r.PullSecret = name
		}
	}
	if r.Registry == "" {
		r.Registry = registryOfPods(f)
	}
	r.Rules = nonDefaultRules(r.Mirror, rules)
	return r
}

// nonDefaultRules are the rules, where any of them differs from the default layout.
// They are kept or left out together: the rule for one name would otherwise
// catch what the default says of a longer one.
func nonDefaultRules(m images.Mirror, rules []images.Rule) []images.Rule {
	for _, r := range rules {
		public, err := images.ParseRef(r.From + "/x")
		if err != nil || m.Map(public).Path != r.To+"/x" {
			return rules
		}
	}
	return nil
}

func firstSecret(repo map[string]any) string {
	list, _ := repo["imagePullSecrets"].([]any)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			return images.NestedString(m, "name")
		}
	}
	return ""
}

func registryOfPods(f *Facts) string {
	for _, w := range f.Workloads {
		if w.Store != "" || len(w.Containers) == 0 {
			continue
		}
		if ref, err := images.ParseRef(w.Containers[0].Image); err == nil && ref.Host != aistor.PublicRegistry {
			return ref.Host
		}
	}
	return ""
}

func describePlatforms(f *Facts) []string {
	var list []string
	for _, n := range f.Nodes {
		if n.Platform != "" && !slices.Contains(list, n.Platform) {
			list = append(list, n.Platform)
		}
	}
	slices.Sort(list)
	return list
}

func describeImages(f *Facts) []images.Ref {
	seen := map[images.Ref]bool{}
	for _, w := range f.Workloads {
		for _, c := range w.Containers {
			if ref, err := images.ParseRef(c.Image); err == nil {
				seen[ref] = true
			}
		}
	}
	for _, s := range f.Stores {
		for _, i := range s.Images {
			seen[i.Ref] = true
		}
	}
	list := make([]images.Ref, 0, len(seen))
	for r := range seen {
		list = append(list, r)
	}
	slices.SortFunc(list, images.Ref.Compare)
	return list
}

// operatorImages are the images in the operator's manifest: also those of
// features that are on but not in use this very moment, whose image a bundle
// has to carry all the same.
func operatorImages(f *Facts) []images.Ref {
	if f.Operator == nil {
		return nil
	}
	// An image that nobody could pull is told by the checks.
	found, _ := images.DiscoverRendered(images.ParseObjects(f.Operator.Manifest))
	var list []images.Ref
	for _, i := range found {
		list = append(list, i.Ref)
	}
	return list
}
