package values

// applyTogether makes the first of some edits at once and says how many these
// were: those that put one string in another's place. Each leaves the bytes of
// the others alone, so that reading the file once does for all of them. None is
// made, and nothing is reported, where it does not come out exactly; one after
// another they then say what is wrong.
func (r *revision) applyTogether(edits []Edit) (n int) {
	defer func() {
		if recover() != nil { // as of the parser in applyOne
			n = 0
		}
	}()
	if len(edits) < 2 {
		return 0
	}
	before, err := r.reading()
	if err != nil {
		return 0
	}
	if n = replacements(before, edits); n < 2 {
		return 0
	}
	want := parsedValues{deepCopyAny(before.helm), deepCopyAny(before.newer)}
	d, err := parseDocument(r.src)
	if err != nil {
		return 0
	}
	var cuts []replacement
	for _, e := range edits[:n] {
		if v, _ := Get(before.helm.(map[string]any), e.Path...); v == e.Value {
			continue
		}
		one, err := d.planEdit(e)
		if err != nil || len(one) != 1 {
			return 0
		}
		cuts = append(cuts, one...)
		if want, err = want.change(e); err != nil {
			return 0
		}
	}
	out := applyReplacements(r.src, cuts)
	for i := 1; i < len(cuts); i++ { // splice has sorted them
		if cuts[i].start < cuts[i-1].end {
			return 0
		}
	}
	after, err := parseBoth(out)
	if err != nil || !after.equalTo(want) {
		return 0
	}
	r.src, r.read = out, &after
	return n
}

// replacements is how many edits from the first on put a string in the place of
// another one, each of another setting.
func replacements(before parsedValues, edits []Edit) int {
	helm, isMap := before.helm.(map[string]any)
	newer, alsoMap := before.newer.(map[string]any)
	if !isMap || !alsoMap {
		return 0
	}
	seen := map[string]bool{}
	for n, e := range edits {
		key := e.Path.String()
		if e.Op != Set || seen[key] || !isString(e.Value) || !stringAt(helm, e.Path) || !stringAt(newer, e.Path) {
			return n
		}
		seen[key] = true
	}
	return len(edits)
}

func isString(v any) bool {
	_, ok := v.(string)
	return ok
}

func stringAt(m map[string]any, at Path) bool {
	if len(at) == 0 {
		return false
	}
	v, _ := Get(m, at...)
	return isString(v)
}

// change makes an edit in a reading that nobody else holds.
func (r parsedValues) change(e Edit) (parsedValues, error) {
	helm, err := editTree(r.helm, e.Path, e)
	if err != nil {
		return r, err
	}
	newer, err := editTree(r.newer, e.Path, e)
	return parsedValues{helm, newer}, err
}
