package values

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	sigs "sigs.k8s.io/yaml"
)

// Op is what an [Edit] does.
type Op int

// The operations. Set is the zero value.
const (
	// Set puts Value at Path, in place of what is there or as new.
	Set Op = iota
	// Append puts Value at the end of the list at Path, unless it is in it.
	Append
	// Remove takes the setting at Path away; a map keeps its braces.
	Remove
)

// Edit is one change to a values file.
type Edit struct {
	Path  Path
	Value any
	Op    Op
}

// String is the edit without its value, which may be a secret.
func (e Edit) String() string {
	return [...]string{"set ", "append to ", "remove "}[e.Op] + e.Path.String()
}

// EditError says why a file cannot be edited in place.
type EditError struct {
	Path Path
	// Line is where in the file the reason stands, 0 where it stands nowhere.
	Line   int
	Reason string
	// invalidFile says that the file itself is to be corrected, whatever is edited.
	invalidFile bool
}

// Hint names the way on.
func (e *EditError) Hint() string {
	if e.invalidFile {
		return "fix the file first: YAML parsers interpret it differently"
	}
	return "make this change manually, or write the setting out at the line above"
}

// Error names the setting, the line and the reason.
func (e *EditError) Error() string {
	if len(e.Path) == 0 {
		return e.Reason
	}
	at := ""
	if e.Line > 0 {
		at = fmt.Sprintf("line %d: ", e.Line)
	}
	return fmt.Sprintf("editing values at %q: %s%s", e.Path.String(), at, e.Reason)
}

func newEditError(line int, format string, args ...any) *EditError {
	return &EditError{Line: line, Reason: fmt.Sprintf(format, args...)}
}

// newInvalidFileError refuses a file that cannot be edited at all.
func newInvalidFileError(line int, format string, args ...any) *EditError {
	e := newEditError(line, format, args...)
	e.invalidFile = true
	return e
}

// Apply makes edits to the YAML of a values file, one after another, and
// leaves every byte outside the changed values as it is: comments, order,
// quoting, indentation and line endings. An edit that changes nothing leaves
// the file as it is.
//
// Before it returns it reads the result with both YAML parsers that matter,
// Helm's and the newer one, and compares it with what was asked for. What it
// cannot do without touching more, it refuses with an [*EditError]: several
// documents, aliases and merge keys on the way to the setting, anchors inside
// what would be replaced.
func Apply(src []byte, edits []Edit) (out []byte, err error) {
	bom, body := cutBOM(src)
	t := &revision{src: body}
	for len(edits) > 0 {
		n := t.applyTogether(edits)
		if n == 0 {
			if n, err = 1, t.applyOne(edits[0]); err != nil {
				return nil, err
			}
		}
		edits = edits[n:]
	}
	body = t.src
	if bytes.Equal(body, src[len(bom):]) {
		return src, nil
	}
	return slices.Concat(bom, body), nil
}

// revision is a file between two edits, with what was last read out of it.
type revision struct {
	src  []byte
	read *parsedValues
}

// reading is what the file means, read once for as long as it stays.
func (r *revision) reading() (parsedValues, error) {
	if r.read == nil {
		read, err := parseBoth(r.src)
		if err != nil {
			return read, err
		}
		r.read = &read
	}
	return *r.read, nil
}

func (r *revision) applyOne(e Edit) (err error) {
	defer func() {
		// The parser is known to panic on some malformed input; a file that
		// does that to it is not one to write to.
		if r := recover(); r != nil {
			err = &EditError{Path: e.Path, Reason: fmt.Sprintf("the file cannot be parsed: %v", r)}
		}
		if re, ok := err.(*EditError); ok {
			re.Path = e.Path
		}
	}()
	if len(e.Path) == 0 {
		return newEditError(0, "no path given")
	}
	before, err := r.reading()
	if err != nil {
		return err
	}
	want, err := before.withEdit(e)
	if err != nil {
		return err
	}
	if want.equalTo(before) {
		return nil
	}
	d, err := parseDocument(r.src)
	if err != nil {
		return err
	}
	splices, err := d.planEdit(e)
	if err != nil {
		return err
	}
	out := applyReplacements(r.src, splices)
	after, err := parseBoth(out)
	if err != nil || !after.equalTo(want) {
		return newEditError(d.lineOf(splices), "cannot be changed in place; edit it manually")
	}
	r.src, r.read = out, &after
	return nil
}

func cutBOM(src []byte) (bom, body []byte) {
	mark := []byte("\xef\xbb\xbf")
	if bytes.HasPrefix(src, mark) {
		return src[:3], src[3:]
	}
	return nil, src
}

// replacement is one replacement of src[start:end].
type replacement struct {
	start, end int
	text       string
}

func applyReplacements(src []byte, cuts []replacement) []byte {
	slices.SortStableFunc(cuts, func(a, b replacement) int { return a.start - b.start })
	var out []byte
	at := 0
	for _, c := range cuts {
		out = append(out, src[at:c.start]...)
		out = append(out, c.text...)
		at = c.end
	}
	return append(out, src[at:]...)
}

// parsedValues is a document as the two parsers understand it.
type parsedValues struct{ helm, newer any }

func parseBoth(src []byte) (parsedValues, error) {
	var r parsedValues
	var v any
	if err := sigs.Unmarshal(src, &v); err != nil {
		return r, newInvalidFileError(0, "the file is not YAML that Helm accepts: %v", err)
	}
	r.helm = normalize(v)
	var err error
	if r.newer, err = decode(src); err != nil {
		return r, newInvalidFileError(0, "invalid YAML: %v", err)
	}
	for _, root := range []any{r.helm, r.newer} {
		if _, ok := root.(map[string]any); !ok && root != nil {
			return r, newInvalidFileError(1, "the file contains no map")
		}
	}
	return r, nil
}

func (r parsedValues) equalTo(o parsedValues) bool {
	return equalValues(r.helm, o.helm) && equalValues(r.newer, o.newer)
}

func (r parsedValues) withEdit(e Edit) (parsedValues, error) {
	return parsedValues{deepCopyAny(r.helm), deepCopyAny(r.newer)}.change(e)
}

// editTree makes an edit in plain data: what the file is to mean afterwards.
func editTree(v any, path Path, e Edit) (any, error) {
	if len(path) == 0 {
		return editLeaf(v, e)
	}
	switch c := v.(type) {
	case nil:
		if e.Op == Remove {
			return v, nil
		}
		if len(path) == len(e.Path) || !isIndex(path[0]) {
			sub, err := editTree(nil, path[1:], e)
			return map[string]any{path[0]: sub}, err
		}
	case map[string]any:
		old, had := c[path[0]]
		if e.Op == Remove && (len(path) == 1 || !had) {
			delete(c, path[0])
			return c, nil
		}
		sub, err := editTree(old, path[1:], e)
		c[path[0]] = sub
		return c, err
	case []any:
		i, ok := listIndex(path[0], len(c))
		if !ok {
			return nil, newEditError(0, "the list has no element %q", path[0])
		}
		if e.Op == Remove && len(path) == 1 {
			return nil, newEditError(0, "elements of lists cannot be removed")
		}
		sub, err := editTree(c[i], path[1:], e)
		c[i] = sub
		return c, err
	}
	return nil, newEditError(0, "%q is inside something that is neither a map nor a list", path[0])
}

func editLeaf(v any, e Edit) (any, error) {
	if e.Op == Set {
		return normalize(e.Value), nil
	}
	list, ok := v.([]any)
	if !ok && v != nil {
		return nil, newEditError(0, "it is not a list")
	}
	value := normalize(e.Value)
	if slices.ContainsFunc(list, func(o any) bool { return equalValues(o, value) }) {
		return v, nil
	}
	return append(slices.Clone(list), value), nil
}

func isIndex(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}
