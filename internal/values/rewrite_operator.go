package values

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func (r *rewriter) rewriteOperator() error {
	for _, step := range []func() error{
		r.convertForms, r.rewriteRepositories, r.rewriteImageStrings, r.rewriteOperatorImages, r.rewriteRemaining, r.addPodSecrets, r.findPins,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// fieldPosition is one field of one object.
type fieldPosition struct{ object, path string }

func referencesByPosition(list []images.Image) map[fieldPosition]images.Ref {
	out := map[fieldPosition]images.Ref{}
	for _, i := range list {
		for _, why := range i.Reasons {
			out[fieldPosition{why.Object, why.Path}] = i.Ref
		}
	}
	return out
}

// convertForms brings values into forms that this version reads, so that it renders
// at all.
func (r *rewriter) convertForms() error {
	for _, key := range []string{"repositories", "images"} {
		if v, set := r.values[key]; set && v == nil && r.affectsOutput(Path{key}) {
			if err := r.applyEdit(Edit{Path: Path{key}, Value: map[string]any{}}, "an empty value removes the chart's defaults"); err != nil {
				return err
			}
		}
	}
	if err := r.convertSecretForms(); err != nil {
		return err
	}
	if !aistor.VersionBefore(r.ChartVersion, "5.5.0") {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(GetMap(r.values, "images"))) {
		s, ok := GetMap(r.values, "images")[name].(string)
		if !ok {
			continue
		}
		ref, err := images.ParseRef(s)
		if err != nil {
			return fmt.Errorf("images.%s: %w", name, err)
		}
		edit := Edit{Path: Path{"images", name}, Value: map[string]any{"repository": "aistor", "image": imageNameAndTag(ref)}}
		if err := r.applyEdit(edit, "chart "+r.ChartVersion+" takes a map here, not a string"); err != nil {
			return err
		}
	}
	return nil
}

// convertSecretForms gives the pull secrets of the operators' pods the form that this
// version reads, whichever an earlier version wanted.
func (r *rewriter) convertSecretForms() error {
	for _, at := range r.podSecretPaths() {
		v, _ := Get(r.values, at...)
		list := secretList(v)
		if _, text := v.(string); len(list) == 0 || text == r.secretsAsText() || !r.affectsOutput(at) {
			continue
		}
		edit, why := Edit{Path: at, Value: list}, "chart "+r.ChartVersion+" takes a list here"
		if r.secretsAsText() {
			edit.Value, why = jsonText(list), r.secretsAsTextWhy()
		}
		if err := r.applyEdit(edit, why); err != nil {
			return err
		}
	}
	return nil
}

// affectsOutput reports whether a setting has a part in what is rendered, or in that
// nothing is.
func (r *rewriter) affectsOutput(at Path) bool {
	with, _, err := r.discoverImages(r.values)
	if err != nil {
		return true
	}
	gone, _, err := r.discoverImages(withoutPath(r.values, at))
	return err != nil || !reflect.DeepEqual(with, gone)
}

// secretsAsText reports whether this version reads the pull secrets of the
// operators' pods as JSON in a string: up to 4.1.0 the template parses what it
// is given, and fails on a list.
func (r *rewriter) secretsAsText() bool { return aistor.VersionBefore(r.ChartVersion, "4.1.1") }

func (r *rewriter) secretsAsTextWhy() string {
	return "chart " + r.ChartVersion + " fails on a list here; it reads JSON in a string"
}

// podSecretPaths are the settings that decide the pull secrets of the
// operators' own pods.
func (r *rewriter) podSecretPaths() []Path {
	out := []Path{{"global", "operator", "imagePullSecrets"}}
	for _, name := range slices.Sorted(maps.Keys(GetMap(r.values, "operators"))) {
		out = append(out, Path{"operators", name, "imagePullSecrets"})
	}
	return out
}

func imageNameAndTag(ref images.Ref) string {
	ref.Path, ref.Host = ref.Base(), "x"
	return strings.TrimPrefix(ref.String(), "x/")
}

// rewriteRepositories sets hostname, path prefix and pull secret of every repository
// key that has an effect in this version.
func (r *rewriter) rewriteRepositories() error {
	now, err := r.currentReferences()
	if err != nil {
		return err
	}
	keys := aistor.RepositoryKeys()
	keys = slices.AppendSeq(keys, maps.Keys(GetMap(r.values, "repositories")))
	slices.Sort(keys)
	keys = slices.Compact(keys)
	all := r.allFollowers(keys, now)
	for _, key := range keys {
		followers, known := all[key], all != nil
		if !known {
			followers = r.dependentReferences(key, now)
		}
		if len(followers) == 0 {
			if _, set := Get(r.values, "repositories", key); set {
				r.ineffective = append(r.ineffective, Path{"repositories", key})
			}
			continue
		}
		if err := r.rewriteRepository(key, r.publicNames(key, followers)); err != nil {
			return err
		}
	}
	return nil
}

// currentReferences is what is rendered as the values are. Where a hostname or a
// pathPrefix makes references of it that are none, such as an address with
// https:// before it, it is what the vendor's repositories give by themselves:
// rewriting replaces both.
func (r *rewriter) currentReferences() (map[fieldPosition]images.Ref, error) {
	_, list, err := r.discoverImages(r.values)
	var invalid *images.InvalidImageError
	if errors.As(err, &invalid) {
		own := r.values
		for _, key := range aistor.RepositoryKeys() {
			own = withoutPath(withoutPath(own, Path{"repositories", key, "hostname"}), Path{"repositories", key, "pathPrefix"})
		}
		if _, plain, other := r.discoverImages(own); other == nil {
			list, err = plain, nil
		}
	}
	return referencesByPosition(list), err
}

// allFollowers are the followers of every repository, found in one render with a
// host of its own for each; nil where the chart does not render with all of them,
// and each has to be tried alone.
func (r *rewriter) allFollowers(keys []string, now map[fieldPosition]images.Ref) map[string]map[fieldPosition]images.Ref {
	trial, hosts := DeepCopy(r.values), map[string]string{}
	for i, key := range keys {
		host := fmt.Sprintf("r%d.%s", i, sentinel)
		hosts[host] = key
		setValue(trial, host, Path{"repositories", key, "hostname"})
	}
	_, list, err := r.discoverImages(trial)
	if err != nil {
		return nil
	}
	out := map[string]map[fieldPosition]images.Ref{}
	for at, ref := range referencesByPosition(list) {
		key, found := hosts[ref.Host]
		if !found {
			continue
		}
		if out[key] == nil {
			out[key] = map[fieldPosition]images.Ref{}
		}
		out[key][at] = now[at]
	}
	return out
}

// dependentReferences are the fields whose reference changes with a repository's host.
func (r *rewriter) dependentReferences(key string, now map[fieldPosition]images.Ref) map[fieldPosition]images.Ref {
	trial := DeepCopy(r.values)
	setValue(trial, sentinel, Path{"repositories", key, "hostname"})
	_, list, err := r.discoverImages(trial)
	if err != nil { // the path may be none, too
		_, list, err = r.discoverImages(withoutPath(trial, Path{"repositories", key, "pathPrefix"}))
	}
	if err != nil {
		return nil
	}
	out := map[fieldPosition]images.Ref{}
	for at, ref := range referencesByPosition(list) {
		if ref.Host == sentinel {
			out[at] = now[at]
		}
	}
	return out
}

// publicNames are the references of a key's followers as the vendor publishes
// them: what is rendered without the user's own setting of the key. A key of
// the user's own has no other names than the present ones.
func (r *rewriter) publicNames(key string, followers map[fieldPosition]images.Ref) []images.Ref {
	names := maps.Clone(followers)
	if _, known := aistor.PublicBase(key); known {
		if _, list, err := r.discoverImages(withoutPath(r.values, Path{"repositories", key})); err == nil {
			for at, ref := range referencesByPosition(list) {
				if _, ok := names[at]; ok {
					names[at] = ref
				}
			}
		}
	}
	out := slices.Collect(maps.Values(names))
	slices.SortFunc(out, images.Ref.Compare)
	return slices.Compact(out)
}

func (r *rewriter) rewriteRepository(key string, public []images.Ref) error {
	prefix, hits := "", map[string]int{}
	for _, ref := range public {
		p := dirPrefix(r.Mirror.Map(ref).Path)
		if hits[p]++; hits[p] > hits[prefix] {
			prefix = p
		}
	}
	why := plural.CountDoes(len(public), "image", "come") + " through repositories." + key
	at := Path{"repositories", key}
	if old := GetString(r.values, "repositories", key, "hostname"); old == r.Mirror.Registry {
		if _, set := Get(r.values, "repositories", key, "pathPrefix"); !set {
			r.addWarning("repositories.%s.hostname had no pathPrefix: its default changed in 5.5.0, so it is set explicitly", key)
		}
	}
	if err := r.applyEdit(Edit{Path: at.appendKey("hostname"), Value: r.Mirror.Registry}, why); err != nil {
		return err
	}
	if err := r.applyEdit(Edit{Path: at.appendKey("pathPrefix"), Value: prefix}, why); err != nil {
		return err
	}
	return r.addSecret(at.appendKey("imagePullSecrets"), "the images of repositories."+key+" are pulled with it")
}

func dirPrefix(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir + "/"
	}
	return ""
}

// rewriteImageStrings turns overrides with a full name into ones that go through a
// repository, which is what carries the pull secret.
func (r *rewriter) rewriteImageStrings() error {
	for _, name := range slices.Sorted(maps.Keys(GetMap(r.values, "images"))) {
		at := Path{"images", name}
		switch v := GetMap(r.values, "images")[name].(type) {
		case string:
			if err := r.rewriteImageString(at, v); err != nil {
				return err
			}
		case map[string]any:
			full, _ := v["image"].(string)
			ref, ok := fullName(full)
			if !ok || !r.usesAistorRepository(r.Mirror.Map(ref)) {
				continue
			}
			if err := r.applyEdit(Edit{Path: at.appendKey("image"), Value: imageNameAndTag(ref)}, "the repository's name is prepended to it"); err != nil {
				return err
			}
		}
	}
	return nil
}

// fullName reads a reference that names its host.
func fullName(s string) (images.Ref, bool) {
	host, _, found := strings.Cut(s, "/")
	if !found || !strings.ContainsAny(host, ".:") {
		return images.Ref{}, false
	}
	ref, err := images.ParseRef(s)
	return ref, err == nil
}

func (r *rewriter) rewriteImageString(at Path, s string) error {
	ref, err := images.ParseRef(s)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	want := r.Mirror.Map(ref)
	if r.PullSecret != "" && r.usesAistorRepository(want) {
		value := map[string]any{"repository": "aistor", "image": imageNameAndTag(want)}
		return r.applyEdit(Edit{Path: at, Value: value}, "a full image name has no pull secret, a repository has")
	}
	if r.PullSecret != "" {
		r.addWarning("%s is a full image name, which has no pull secret", at)
	}
	if want == ref {
		return nil
	}
	return r.applyEdit(Edit{Path: at, Value: want.String()}, "it pulls "+ref.String())
}

// usesAistorRepository reports whether the repository "aistor" gives this name.
func (r *rewriter) usesAistorRepository(want images.Ref) bool {
	return want.Host == GetString(r.values, "repositories", "aistor", "hostname") &&
		dirPrefix(want.Path) == GetString(r.values, "repositories", "aistor", "pathPrefix")
}

// rewriteOperatorImages turns operators.<name>.image round, whether or not this
// version reads it: the next one may.
func (r *rewriter) rewriteOperatorImages() error {
	for _, name := range slices.Sorted(maps.Keys(GetMap(r.values, "operators"))) {
		at := Path{"operators", name, "image"}
		s := GetString(r.values, at...)
		if s == "" {
			continue
		}
		ref, err := images.ParseRef(s)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if want := r.Mirror.Map(ref); want != ref {
			if err := r.applyEdit(Edit{Path: at, Value: want.String()}, "it pulls "+ref.String()); err != nil {
				return err
			}
		}
	}
	return nil
}
