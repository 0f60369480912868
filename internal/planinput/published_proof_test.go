package planinput_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// What undoing one change does. A change for which nothing of this is so is
// needless, and the test fails on it.
const (
	needsForm   = "the chart refuses the values, or they say one image in two ways"
	needsImage  = "an image is pulled from elsewhere"
	needsSecret = "a pull secret is missing"
	needsOther  = "another version of the chart would pull from elsewhere"
)

// rewriteVerifier knows what has to be so after rewriting: which images a chart has to
// pull, from where and with what secret. It knows nothing of how the values
// were rewritten.
type rewriteVerifier struct {
	chart  *chart.Chart
	render func(values map[string]any) ([]images.Object, error)
	want   []string
	mirror images.Mirror
	secret string
	// leftover is how many public names may stay in the values: those that
	// this version does not read.
	leftover int
}

// findFault says what is not as it has to be with some values, "" where all is.
func (j rewriteVerifier) findFault(v map[string]any) string {
	all, _ := chart.WithAllOperators(j.chart, v)
	objects, err := j.render(all)
	if err != nil {
		return needsForm
	}
	var pulled []string
	secrets := true
	for _, o := range objects {
		if o["kind"] == "CustomResourceDefinition" {
			continue
		}
		for _, s := range imagesIn(map[string]any(o)) {
			pulled = append(pulled, fullReference(s))
		}
		secrets = secrets && j.hasSecret(o)
	}
	slices.Sort(pulled)
	switch {
	case !slices.Equal(slices.Compact(pulled), j.want):
		return needsImage
	case !secrets:
		return needsSecret
	case valueAt(v, "objectStore", "image", "image") != nil && valueAt(v, "objectStore", "image", "tag") != nil:
		return needsForm // one image, said in two ways
	case j.countPublic(v) > j.leftover:
		return needsOther
	}
	return ""
}

// countPublic counts full names of elsewhere in values.
func (j rewriteVerifier) countPublic(v map[string]any) int {
	n := 0
	for _, s := range imagesIn(v) {
		host, _, full := strings.Cut(s, "/")
		if full && strings.ContainsAny(host, ".:") && host != j.mirror.Registry {
			n++
		}
	}
	return n
}

// imagesIn walks a document for image fields, also in documents that are in
// it as text, and in plain text for what follows "image".
func imagesIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && k == "image" && s != "" {
				out = append(out, s)
				continue
			}
			out = append(out, imagesIn(e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, imagesIn(e)...)
		}
	case string:
		if strings.Contains(v, "image") {
			if inner, err := chart.ParseValues([]byte(v)); err == nil {
				return imagesIn(inner)
			}
		}
	}
	return out
}

// fullReference is a reference in full.
func fullReference(s string) string {
	ref, err := images.ParseRef(s)
	if err != nil {
		return s
	}
	return ref.String()
}

// hasSecret reports whether everything of AIStor's own in an object that pulls
// names the pull secret: pods of the operators, what their ConfigMaps hand on,
// and object stores, whose one secret may be another.
func (j rewriteVerifier) hasSecret(o images.Object) bool {
	switch o["kind"] {
	case "Deployment":
		spec, _ := valueAt(o, "spec", "template", "spec").(map[string]any)
		return j.hasPullSecret(spec["imagePullSecrets"])
	case "ConfigMap":
		name, _ := valueAt(o, "metadata", "name").(string)
		data, _ := o["data"].(map[string]any)
		for _, text := range data {
			s, _ := text.(string)
			doc, err := chart.ParseValues([]byte(s))
			if err == nil && doc["image"] != nil && strings.HasSuffix(name, "-operator") && !j.hasPullSecret(doc["imagePullSecrets"]) {
				return false
			}
		}
	case aistor.KindObjectStore:
		name, _ := valueAt(o, "spec", "imagePullSecret", "name").(string)
		return name != ""
	}
	return true
}

func (j rewriteVerifier) hasPullSecret(list any) bool {
	l, _ := list.([]any)
	return slices.ContainsFunc(l, func(e any) bool { return valueAt(e, "name") == j.secret })
}

func valueAt(v any, path ...string) any {
	for _, k := range path {
		if o, ok := v.(images.Object); ok {
			v = map[string]any(o)
		}
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// countNeeded undoes each changed setting by itself and counts what that breaks. An
// error names a setting that was changed without need.
func (j rewriteVerifier) countNeeded(before, after map[string]any) (map[string]int, error) {
	out := map[string]int{}
	j.leftover = j.countPublic(after)
	if why := j.findFault(after); why != "" {
		return out, fmt.Errorf("after rewriting %s", why)
	}
	var errs []error
	for _, c := range changedSettings(before, after, nil) {
		undone := c.undoIn(after).(map[string]any)
		why := j.findFault(undone)
		if why == "" {
			errs = append(errs, fmt.Errorf("%s was changed without need", strings.Join(c.path, ".")))
		}
		out[why]++
	}
	return out, errors.Join(errs...)
}

// changedSetting is one that differs; old is nil with had false where it is new.
type changedSetting struct {
	path []string
	old  any
	had  bool
}

// changedSettings are the differences between two sets of values, as deep as both
// have the same kind of thing.
func changedSettings(before, after any, at []string) []changedSetting {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	var out []changedSetting
	is, isMap := after.(map[string]any)
	was, wasMap := before.(map[string]any)
	if isMap && (wasMap || before == nil) {
		keys := slices.Collect(maps.Keys(is))
		for k := range was {
			if _, stays := is[k]; !stays {
				keys = append(keys, k)
			}
		}
		for _, k := range keys {
			here := append(slices.Clone(at), k)
			old, had := was[k]
			if now, stays := is[k]; stays && had && reflect.DeepEqual(old, now) {
				continue
			}
			if now, stays := is[k]; stays && (had && old != nil || isContainer(now)) {
				out = append(out, changedSettings(old, now, here)...)
				continue
			}
			out = append(out, changedSetting{here, old, had})
		}
		return out
	}
	from, fromList := before.([]any)
	to, toList := after.([]any)
	if fromList && toList && len(from) == len(to) {
		for i := range to {
			out = append(out, changedSettings(from[i], to[i], append(slices.Clone(at), strconv.Itoa(i)))...)
		}
		return out
	}
	return []changedSetting{{at, before, before != nil}}
}

func isContainer(v any) bool {
	m, ok := v.(map[string]any)
	return ok && len(m) > 0
}

// undoIn is a copy of v in which the setting is as it was.
func (s changedSetting) undoIn(v any) any { return undoSetting(v, s.path, s) }

func undoSetting(v any, path []string, s changedSetting) any {
	if len(path) == 0 {
		return s.old
	}
	switch c := v.(type) {
	case map[string]any:
		c = maps.Clone(c)
		if len(path) == 1 && !s.had {
			delete(c, path[0])
			return c
		}
		c[path[0]] = undoSetting(c[path[0]], path[1:], s)
		return c
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(c) {
			return v
		}
		c = slices.Clone(c)
		c[i] = undoSetting(c[i], path[1:], s)
		return c
	default:
		return map[string]any{path[0]: undoSetting(nil, path[1:], s)}
	}
}

// changedPiece is the least part of a file that a change touches: a line that is new
// or gone, or one that was replaced.
type changedPiece struct {
	start, end int // in the new file
	old        string
}

// changedPieces are what a file's change consists of; every byte outside them is the
// same in both. The number of lines out and in is what a person counts.
func changedPieces(before, after string) (list []changedPiece, linesOut, linesIn int) {
	at, shift := 0, 0
	for _, e := range udiff.Lines(before, after) {
		old := before[e.Start:e.End]
		linesOut += len(splitLines(old))
		linesIn += len(splitLines(e.New))
		at = e.Start + shift
		shift += len(e.New) - len(old)
		list = append(list, cutUp(at, old, e.New)...)
	}
	return list, linesOut, linesIn
}

// cutUp takes one replacement apart, line by line where the lines belong
// together.
func cutUp(at int, old, now string) []changedPiece {
	if was, is := splitLines(old), splitLines(now); len(was) == len(is) && !slices.ContainsFunc(was, block.MatchString) {
		var out []changedPiece
		for i := range is {
			out = append(out, changedPiece{at, at + len(is[i]), was[i]})
			at += len(is[i])
		}
		return out
	}
	// What stays at the beginning is no part of it: a last line gets a line end
	// when another comes after it.
	if rest, stays := strings.CutPrefix(now, old); stays {
		at, now, old = at+len(old), rest, ""
	}
	if old != "" {
		return []changedPiece{{at, at + len(now), old}}
	}
	var out []changedPiece
	lines := splitLines(now)
	for i, line := range lines {
		if i == 0 && strings.TrimRight(line, "\r\n") == "" && len(lines) > 1 {
			lines[1] = line + lines[1] // the end of the line before
			continue
		}
		out = append(out, changedPiece{at, at + len(lines[i]), ""})
		at += len(lines[i])
	}
	return out
}

func splitLines(s string) []string {
	return slices.DeleteFunc(strings.SplitAfter(s, "\n"), func(l string) bool { return l == "" })
}

var (
	word    = regexp.MustCompile(`[\p{L}\p{N}._/@:+=-]+`)
	comment = regexp.MustCompile(`[ \t]#[^"']*$`)
	block   = regexp.MustCompile(`[|>][-+0-9]*\s*$`)
)

// ineffectiveNotice takes each piece of a file's change back by itself, and gives those
// after which the files still say the same: bytes that were touched without
// need. So is a replaced line that lost its comment, its indentation or its
// quotes.
func ineffectiveNotice(files [][]byte, i int, before, after string, list []changedPiece) error {
	var errs []error
	whole, _, err := merged(files)
	if err != nil {
		return err
	}
	for _, p := range list {
		trial := slices.Clone(files)
		trial[i] = []byte(after[:p.start] + p.old + after[p.end:])
		if same, _, err := merged(trial); err == nil && reflect.DeepEqual(same, whole) {
			errs = append(errs, fmt.Errorf("%q was touched, and without that the files say the same", after[p.start:p.end]))
		}
		now := after[p.start:p.end]
		for _, line := range splitLines(p.old) {
			line = strings.TrimRight(line, "\r\n")
			if mark := comment.FindString(line); !strings.Contains(now, strings.TrimSpace(mark)) {
				errs = append(errs, fmt.Errorf("%q lost its comment: %q", p.old, now))
			}
		}
		if len(splitLines(p.old)) == 1 && len(splitLines(now)) == 1 && !within(word.ReplaceAllString(p.old, ""), word.ReplaceAllString(now, "")) {
			errs = append(errs, fmt.Errorf("%q lost its form: %q", p.old, now))
		}
	}
	if undo := rebuilt(after, list); undo != before {
		errs = append(errs, fmt.Errorf("bytes outside of what was changed differ:\n%q\n%q", before, undo))
	}
	return errors.Join(errs...)
}

// within reports whether all bytes of s are in t, in their order.
func within(s, t string) bool {
	for i := range len(s) {
		j := strings.IndexByte(t, s[i])
		if j < 0 {
			return false
		}
		t = t[j+1:]
	}
	return true
}

// rebuilt is what the file was: all pieces taken back.
func rebuilt(after string, list []changedPiece) string {
	var b strings.Builder
	at := 0
	for _, p := range list {
		b.WriteString(after[at:p.start] + p.old)
		at = p.end
	}
	return b.String() + after[at:]
}
