package plan

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// storeCredentials resolves the credentials of one object store before and
// after a change of its release.
type storeCredentials struct {
	facts  *Facts
	change Change
	// namespace is the store's, which the values may override.
	namespace string
	// live and next are the ObjectStore as it is and as it will be.
	live, next images.Object
}

func (in Inputs) credentialsOf(c Change) *storeCredentials {
	s := &storeCredentials{facts: in.Facts, change: c, namespace: c.Namespace}
	before, after := images.FindObject(c.Before, "ObjectStore", c.Store), images.FindObject(c.After, "ObjectStore", c.Store)
	if after != nil {
		s.namespace = KeyOf(after, c.Namespace).Namespace
	}
	s.live = before
	for _, st := range in.Facts.Stores {
		if st.Key() == s.key() && st.Object != nil {
			s.live = st.Object
		}
	}
	if after != nil { // otherwise the plan is refused for that
		s.next, _ = patched(map[string]any(s.live), map[string]any(before), map[string]any(after)).(map[string]any)
	}
	return s
}

// key is namespace/name of the store.
func (s *storeCredentials) key() string { return s.namespace + "/" + s.change.Store }

// patched is live with what differs between before and after, which is how
// Helm changes custom resources: what it does not change stays as it is.
func patched(live, before, after any) any {
	if reflect.DeepEqual(before, after) {
		return live
	}
	want, isMap := after.(map[string]any)
	if !isMap {
		return after
	}
	have, _ := live.(map[string]any)
	was, _ := before.(map[string]any)
	out := maps.Clone(have)
	if out == nil {
		out = map[string]any{}
	}
	for k := range was {
		if _, stays := want[k]; !stays {
			delete(out, k)
		}
	}
	for k, v := range want {
		out[k] = patched(have[k], was[k], v)
	}
	return out
}

// secretContent is what a Secret holds, or that this is not known.
type secretContent struct {
	state credentialState
	data  map[string][]byte
}

// readSecret gives a Secret's content by its name.
type readSecret func(name string) secretContent

// liveSecret is a Secret as it is. Where it is gone, the installed manifest
// says what the servers were started with.
func (s *storeCredentials) liveSecret(name string) secretContent {
	if !s.touched(name) && slices.Equal(s.references(s.live), s.references(s.next)) {
		return secretContent{data: nil, state: credentialPresent}
	}
	for _, one := range s.facts.StoreSecrets {
		if one.Namespace != s.namespace || one.Name != name {
			continue
		}
		if !one.Present {
			return contentOf(s.manifestSecret(s.change.Before, name))
		}
		data := map[string][]byte{}
		for k, v := range one.Data {
			data[k] = v
		}
		return secretContent{data: data}
	}
	return secretContent{state: credentialUnread}
}

// nextSecret is a Secret as the change leaves it.
func (s *storeCredentials) nextSecret(name string) secretContent {
	before, after := s.manifestSecret(s.change.Before, name), s.manifestSecret(s.change.After, name)
	live := s.liveSecret(name)
	switch {
	case after == nil && before != nil && !s.kept(name):
		return secretContent{state: credentialAbsent}
	case after == nil && before == nil && s.gone(name):
		return secretContent{state: credentialAbsent}
	case after == nil:
		return live
	}
	next, was := contentOf(after), contentOf(before)
	for k, v := range live.data { // Helm leaves keys alone that it never had
		_, ours := was.data[k]
		if _, has := next.data[k]; !has && !ours {
			next.data[k] = v
		}
	}
	return next
}

func (s *storeCredentials) manifestSecret(objects []images.Object, name string) images.Object {
	for _, o := range objects {
		if k := KeyOf(o, s.change.Namespace); k.Kind == "Secret" && k.Name == name && k.Namespace == s.namespace {
			return o
		}
	}
	return nil
}

// touched reports whether the release has, or will have, the Secret.
func (s *storeCredentials) touched(name string) bool {
	return s.manifestSecret(s.change.Before, name) != nil || s.manifestSecret(s.change.After, name) != nil
}

// deletes reports whether the change deletes a Secret.
func (s *storeCredentials) deletes(name string) bool {
	return s.manifestSecret(s.change.Before, name) != nil && s.manifestSecret(s.change.After, name) == nil && !s.kept(name)
}

// kept reports whether Helm leaves the Secret where its manifest loses it.
func (s *storeCredentials) kept(name string) bool {
	for _, one := range s.facts.StoreSecrets {
		if one.Namespace == s.namespace && one.Name == name && one.Present {
			return one.Keep
		}
	}
	return false
}

// gone reports whether the Secret was looked for and does not exist.
func (s *storeCredentials) gone(name string) bool {
	return slices.ContainsFunc(s.facts.StoreSecrets, func(one StoreSecret) bool {
		return one.Namespace == s.namespace && one.Name == name && !one.Present
	})
}

// contentOf is what a manifest of a Secret holds; stringData wins, as it does on
// the API server.
func contentOf(o images.Object) secretContent {
	if o == nil {
		return secretContent{state: credentialAbsent, data: map[string][]byte{}}
	}
	data := map[string][]byte{}
	plain, _ := o["data"].(map[string]any)
	for k, v := range plain {
		text, _ := v.(string)
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			data[k] = b
		}
	}
	written, _ := o["stringData"].(map[string]any)
	for k, v := range written {
		if text, ok := v.(string); ok {
			data[k] = []byte(text)
		}
	}
	return secretContent{data: data}
}

// references are the Secrets that an ObjectStore takes credentials from, each
// with the place that names it.
func (s *storeCredentials) references(o images.Object) []string {
	var list []string
	for at, name := range secretReferences(o) {
		list = append(list, at+"\x00"+name)
	}
	slices.Sort(list)
	return list
}

// wanted are the Secrets that have to be read: none where neither the
// references nor what they lead to can change.
func (s *storeCredentials) wanted() []string {
	if s.next == nil {
		return nil
	}
	same := slices.Equal(s.references(s.live), s.references(s.next))
	names := map[string]bool{}
	for _, o := range []images.Object{s.live, s.next} {
		for _, name := range secretReferences(o) {
			if !same || s.touched(name) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// sameSecret compares in constant time.
func sameSecret(a, b credentialItem) bool {
	if a.kind == CredentialKES {
		a.text, b.text = canonicalYAML(a.text), canonicalYAML(b.text)
	}
	x, y := sha256.Sum256(a.text), sha256.Sum256(b.text)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// canonicalYAML is a document without its layout: charts indent differently,
// and some put the document as a text into another.
func canonicalYAML(text []byte) []byte {
	var v any
	if yaml.Unmarshal(text, &v) != nil {
		return text
	}
	if inner, ok := v.(string); ok && yaml.Unmarshal([]byte(inner), &v) != nil {
		return text
	}
	b, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return b
}

// Unquote is the value of an assignment as MinIO reads it in config.env: one
// pair of equal quotes around it is taken off, and nothing is unescaped.
func Unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// configVariables are the assignments of a config.env; see [Unquote].
func configVariables(text []byte) map[string]string {
	vars := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export")), "=")
		if ok && !strings.HasPrefix(line, "#") {
			vars[name] = Unquote(value)
		}
	}
	return vars
}

// contentText is everything a Secret holds, as one text to compare.
func contentText(c secretContent) []byte {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c.data)) {
		fmt.Fprintf(&b, "%q=%q\n", k, c.data[k])
	}
	return []byte(b.String())
}
