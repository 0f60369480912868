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
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func (r *rewriter) operator() error {
	for _, step := range []func() error{
		r.forms, r.repositories, r.imageStrings, r.operatorImages, r.leftovers, r.podSecrets, r.findPins,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// position is one field of one object.
type position struct{ object, path string }

func positions(list []images.Image) map[position]images.Ref {
	out := map[position]images.Ref{}
	for _, i := range list {
		for _, why := range i.Reasons {
			out[position{why.Object, why.Path}] = i.Ref
		}
	}
	return out
}

// forms brings values into forms that this version reads, so that it renders
// at all.
func (r *rewriter) forms() error {
	for _, key := range []string{"repositories", "images"} {
		if v, set := r.values[key]; set && v == nil && r.reads(Path{key}) {
			if err := r.do(Edit{Path: Path{key}, Value: map[string]any{}}, "an empty value takes the chart's defaults away"); err != nil {
				return err
			}
		}
	}
	if err := r.secretForms(); err != nil {
		return err
	}
	if !aistor.Before(r.ChartVersion, "5.5.0") {
		return nil
	}
	for _, name := range sortedKeys(GetMap(r.values, "images")) {
		s, ok := GetMap(r.values, "images")[name].(string)
		if !ok {
			continue
		}
		ref, err := images.ParseRef(s)
		if err != nil {
			return fmt.Errorf("images.%s: %w", name, err)
		}
		edit := Edit{Path: Path{"images", name}, Value: map[string]any{"repository": "aistor", "image": imagePart(ref)}}
		if err := r.do(edit, "chart "+r.ChartVersion+" takes a map here, not a string"); err != nil {
			return err
		}
	}
	return nil
}

// secretForms gives the pull secrets of the operators' pods the form that this
// version reads, whichever an earlier version wanted.
func (r *rewriter) secretForms() error {
	for _, at := range r.podSecretPaths() {
		v, _ := Get(r.values, at...)
		list := secretList(v)
		if _, text := v.(string); len(list) == 0 || text == r.secretsAsText() || !r.reads(at) {
			continue
		}
		edit, why := Edit{Path: at, Value: list}, "chart "+r.ChartVersion+" takes a list here"
		if r.secretsAsText() {
			edit.Value, why = jsonText(list), r.secretsAsTextWhy()
		}
		if err := r.do(edit, why); err != nil {
			return err
		}
	}
	return nil
}

// reads reports whether a setting has a part in what is rendered, or in that
// nothing is.
func (r *rewriter) reads(at Path) bool {
	with, _, err := r.discover(r.values)
	if err != nil {
		return true
	}
	gone, _, err := r.discover(without(r.values, at))
	return err != nil || !reflect.DeepEqual(with, gone)
}

// secretsAsText reports whether this version reads the pull secrets of the
// operators' pods as JSON in a string: up to 4.1.0 the template parses what it
// is given, and fails on a list.
func (r *rewriter) secretsAsText() bool { return aistor.Before(r.ChartVersion, "4.1.1") }

func (r *rewriter) secretsAsTextWhy() string {
	return "chart " + r.ChartVersion + " fails on a list here; it reads JSON in a string"
}

// podSecretPaths are the settings that decide the pull secrets of the
// operators' own pods.
func (r *rewriter) podSecretPaths() []Path {
	out := []Path{{"global", "operator", "imagePullSecrets"}}
	for _, name := range sortedKeys(GetMap(r.values, "operators")) {
		out = append(out, Path{"operators", name, "imagePullSecrets"})
	}
	return out
}

func imagePart(ref images.Ref) string {
	ref.Path, ref.Host = ref.Base(), "x"
	return strings.TrimPrefix(ref.String(), "x/")
}

// repositories sets hostname, path prefix and pull secret of every repository
// key that has an effect in this version.
func (r *rewriter) repositories() error {
	now, err := r.present()
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
			followers = r.followers(key, now)
		}
		if len(followers) == 0 {
			if _, set := Get(r.values, "repositories", key); set {
				r.idle = append(r.idle, Path{"repositories", key})
			}
			continue
		}
		if err := r.repository(key, r.publicNames(key, followers)); err != nil {
			return err
		}
	}
	return nil
}

// present is what is rendered as the values are. Where a hostname or a
// pathPrefix makes references of it that are none, such as an address with
// https:// before it, it is what the vendor's repositories give by themselves:
// rewriting replaces both.
func (r *rewriter) present() (map[position]images.Ref, error) {
	_, list, err := r.discover(r.values)
	var invalid *images.InvalidImageError
	if errors.As(err, &invalid) {
		own := r.values
		for _, key := range aistor.RepositoryKeys() {
			own = without(without(own, Path{"repositories", key, "hostname"}), Path{"repositories", key, "pathPrefix"})
		}
		if _, plain, other := r.discover(own); other == nil {
			list, err = plain, nil
		}
	}
	return positions(list), err
}

// allFollowers are the followers of every repository, found in one render with a
// host of its own for each; nil where the chart does not render with all of them,
// and each has to be tried alone.
func (r *rewriter) allFollowers(keys []string, now map[position]images.Ref) map[string]map[position]images.Ref {
	trial, hosts := Copy(r.values), map[string]string{}
	for i, key := range keys {
		host := fmt.Sprintf("r%d.%s", i, sentinel)
		hosts[host] = key
		setIn(trial, host, Path{"repositories", key, "hostname"})
	}
	_, list, err := r.discover(trial)
	if err != nil {
		return nil
	}
	out := map[string]map[position]images.Ref{}
	for at, ref := range positions(list) {
		key, found := hosts[ref.Host]
		if !found {
			continue
		}
		if out[key] == nil {
			out[key] = map[position]images.Ref{}
		}
		out[key][at] = now[at]
	}
	return out
}

// followers are the fields whose reference changes with a repository's host.
func (r *rewriter) followers(key string, now map[position]images.Ref) map[position]images.Ref {
	trial := Copy(r.values)
	setIn(trial, sentinel, Path{"repositories", key, "hostname"})
	_, list, err := r.discover(trial)
	if err != nil { // the path may be none, too
		_, list, err = r.discover(without(trial, Path{"repositories", key, "pathPrefix"}))
	}
	if err != nil {
		return nil
	}
	out := map[position]images.Ref{}
	for at, ref := range positions(list) {
		if ref.Host == sentinel {
			out[at] = now[at]
		}
	}
	return out
}

// publicNames are the references of a key's followers as the vendor publishes
// them: what is rendered without the user's own setting of the key. A key of
// the user's own has no other names than the present ones.
func (r *rewriter) publicNames(key string, followers map[position]images.Ref) []images.Ref {
	names := maps.Clone(followers)
	if _, known := aistor.PublicBase(key); known {
		if _, list, err := r.discover(without(r.values, Path{"repositories", key})); err == nil {
			for at, ref := range positions(list) {
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

func (r *rewriter) repository(key string, public []images.Ref) error {
	prefix, hits := "", map[string]int{}
	for _, ref := range public {
		p := dirPrefix(r.Mirror.Map(ref).Path)
		if hits[p]++; hits[p] > hits[prefix] {
			prefix = p
		}
	}
	why := words.Do(len(public), "image", "come") + " through repositories." + key
	at := Path{"repositories", key}
	if old := GetString(r.values, "repositories", key, "hostname"); old == r.Mirror.Registry {
		if _, set := Get(r.values, "repositories", key, "pathPrefix"); !set {
			r.warn("repositories.%s.hostname had no pathPrefix: what that means changed at 5.5.0, so that it is written out", key)
		}
	}
	if err := r.do(Edit{Path: at.child("hostname"), Value: r.Mirror.Registry}, why); err != nil {
		return err
	}
	if err := r.do(Edit{Path: at.child("pathPrefix"), Value: prefix}, why); err != nil {
		return err
	}
	return r.addSecret(at.child("imagePullSecrets"), "the images of repositories."+key+" are pulled with it")
}

func dirPrefix(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir + "/"
	}
	return ""
}

// imageStrings turns overrides with a full name into ones that go through a
// repository, which is what carries the pull secret.
func (r *rewriter) imageStrings() error {
	for _, name := range sortedKeys(GetMap(r.values, "images")) {
		at := Path{"images", name}
		switch v := GetMap(r.values, "images")[name].(type) {
		case string:
			if err := r.imageString(at, v); err != nil {
				return err
			}
		case map[string]any:
			full, _ := v["image"].(string)
			ref, ok := fullName(full)
			if !ok || !r.throughAistor(r.Mirror.Map(ref)) {
				continue
			}
			if err := r.do(Edit{Path: at.child("image"), Value: imagePart(ref)}, "the repository's name is put before it"); err != nil {
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

func (r *rewriter) imageString(at Path, s string) error {
	ref, err := images.ParseRef(s)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	want := r.Mirror.Map(ref)
	if r.PullSecret != "" && r.throughAistor(want) {
		value := map[string]any{"repository": "aistor", "image": imagePart(want)}
		return r.do(Edit{Path: at, Value: value}, "a full name carries no pull secret, a repository does")
	}
	if r.PullSecret != "" {
		r.warn("%s is a full name, which carries no pull secret", at)
	}
	if want == ref {
		return nil
	}
	return r.do(Edit{Path: at, Value: want.String()}, "it pulls "+ref.String())
}

// throughAistor reports whether the repository "aistor" gives this name.
func (r *rewriter) throughAistor(want images.Ref) bool {
	return want.Host == GetString(r.values, "repositories", "aistor", "hostname") &&
		dirPrefix(want.Path) == GetString(r.values, "repositories", "aistor", "pathPrefix")
}

// operatorImages turns operators.<name>.image round, whether or not this
// version reads it: the next one may.
func (r *rewriter) operatorImages() error {
	for _, name := range sortedKeys(GetMap(r.values, "operators")) {
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
			if err := r.do(Edit{Path: at, Value: want.String()}, "it pulls "+ref.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
