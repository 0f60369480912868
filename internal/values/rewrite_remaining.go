package values

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// rewriteRemaining turns round the references that still point elsewhere and are in
// the values as text: init containers, side cars, extra resources, overrides
// with a full name.
func (r *rewriter) rewriteRemaining() error {
	_, found, err := r.discoverImages(r.values)
	if err != nil {
		return err
	}
	all := newTextIndex(collectTexts(r.values, nil))
	for _, i := range found {
		if r.Mirror.Owns(i.Ref) {
			continue
		}
		want := r.Mirror.Map(i.Ref).String()
		for _, at := range all.mentioning(i.Ref) {
			hit := &all.list[at]
			text, ok := replaceRef(hit.text, i.Ref, want)
			if !ok {
				continue
			}
			if err := r.applyEdit(Edit{Path: hit.path, Value: text}, "it pulls "+i.Ref.String()); err != nil {
				return err
			}
			all.change(at, text)
		}
	}
	return nil
}

// textIndex finds the texts that may mention an image without checking all.
type textIndex struct {
	list []textSetting
	// refs are the texts that are a reference, by what it is read as; prose are
	// those with more in them, in which a reference may stand.
	refs  map[images.Ref][]int
	prose []int
}

func newTextIndex(list []textSetting) *textIndex {
	x := &textIndex{list: list, refs: map[images.Ref][]int{}}
	for i := range list {
		x.add(i)
	}
	return x
}

func (x *textIndex) add(i int) {
	ref, err := images.ParseRef(strings.TrimSpace(x.list[i].text))
	if err != nil {
		x.prose = append(x.prose, i)
		return
	}
	x.refs[ref] = append(x.refs[ref], i)
}

// change says that a text is another one by now.
func (x *textIndex) change(i int, text string) {
	x.list[i].text = text
	if ref, err := images.ParseRef(strings.TrimSpace(text)); err == nil {
		x.refs[ref] = append(x.refs[ref], i)
	}
}

// mentioning are the texts in which ref may stand, in their order.
func (x *textIndex) mentioning(ref images.Ref) []int {
	out := slices.Clone(x.refs[ref])
	if plain, fips := strings.CutSuffix(ref.Tag, ".fips"); fips { // see replaceRef
		bare := ref
		bare.Tag = plain
		out = append(out, x.refs[bare]...)
	}
	spelt := spellings(ref)
	shortest := spelt[len(spelt)-1]
	for _, i := range x.prose {
		if len(x.list[i].text) >= len(shortest) && strings.Contains(x.list[i].text, shortest) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type textSetting struct {
	path Path
	text string
}

// collectTexts are all strings in v with their paths, lists included.
func collectTexts(v any, at Path) []textSetting {
	var out []textSetting
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, collectTexts(v[k], at.appendKey(k))...)
		}
	case []any:
		for i, e := range v {
			out = append(out, collectTexts(e, at.appendKey(fmt.Sprint(i)))...)
		}
	case string:
		out = append(out, textSetting{at, v})
	}
	return out
}

// replaceRef puts want in the place of ref in s, whatever the form s has it
// in: alone in any spelling, or inside more text spelt out.
func replaceRef(s string, ref images.Ref, want string) (string, bool) {
	if parsed, err := images.ParseRef(strings.TrimSpace(s)); err == nil {
		if parsed == ref {
			return want, true
		}
		// FIPS mode adds to the tag while rendering.
		if fips := parsed; fips.Tag != "" {
			if fips.Tag += ".fips"; fips == ref {
				return strings.TrimSuffix(want, ".fips"), true
			}
		}
		return "", false
	}
	for _, old := range spellings(ref) {
		if out, ok := replaceWord(s, old, want); ok {
			return out, true
		}
	}
	return "", false
}

// spellings are the forms in which a reference may stand inside other text, the
// longest first.
func spellings(ref images.Ref) []string {
	whole := ref.String()
	if short, ok := strings.CutPrefix(whole, "docker.io/"); ok {
		return []string{whole, short, strings.TrimPrefix(short, "library/")}
	}
	return []string{whole}
}

// replaceWord replaces old where nothing that could belong to a reference is
// beside it.
func replaceWord(s, old, want string) (string, bool) {
	var b strings.Builder
	hit := false
	for rest := s; ; {
		i := strings.Index(rest, old)
		if i < 0 {
			b.WriteString(rest)
			return b.String(), hit
		}
		before := i == 0 || !isRefByte(rest[i-1])
		end := i + len(old)
		after := end == len(rest) || !isRefByte(rest[end])
		b.WriteString(rest[:i])
		if before && after {
			b.WriteString(want)
			hit = true
		} else {
			b.WriteString(old)
		}
		rest = rest[end:]
	}
}

func isRefByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("._-/@:", c) >= 0
}
