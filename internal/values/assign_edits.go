package values

// AssignEdits divides edits among several values files as they were given: each
// goes to the last file that sets its path, for a later file would hide it
// elsewhere; one that no file sets goes to the file that sets most of the way
// to it, the last of several, and to the last file where none sets any.
//
// The result has one list of edits a file, in the order of edits.
func AssignEdits(edits []Edit, files []map[string]any) [][]Edit {
	out := make([][]Edit, len(files))
	if len(files) == 0 {
		return out
	}
	for _, e := range edits {
		best, depth := len(files)-1, 0
		for i, f := range files {
			if n := depthOf(f, e.Path); n > 0 && n >= depth {
				best, depth = i, n
			}
		}
		out[best] = append(out[best], e)
	}
	return out
}

// depthOf is how many elements of a path exist in m.
func depthOf(m map[string]any, p Path) int {
	n := 0
	for n < len(p) {
		if _, ok := Get(m, p[:n+1]...); !ok {
			break
		}
		n++
	}
	return n
}
