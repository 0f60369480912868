package values

// maxEditDistance is how many letters may differ between what was written and what was
// meant.
const maxEditDistance = 3

// Nearest is the known path that a path was most likely meant to be: one that
// differs in a few letters, or has its last key, or nearly, elsewhere. It is ""
// where nothing is near.
func Nearest(p Path, known []Path) string { return closestPath(p, known) }

// closestPath is the known path that a path was most likely meant to be: one that
// differs in a few letters, or has its last key, or nearly, elsewhere. It is ""
// where nothing is near.
func closestPath(p Path, known []Path) string {
	last := func(q Path) string { return q[len(q)-1] }
	for _, off := range []func(k Path) int{
		func(k Path) int { return editDistance(p.String(), k.String()) },
		func(k Path) int { return maxEditDistance * editDistance(last(p), last(k)) },
	} {
		best, at := "", maxEditDistance+1
		for _, k := range known {
			if k.String() == p.String() || k.HasPrefix(p) || p.HasPrefix(k) {
				continue
			}
			if d := off(k); d < at {
				best, at = k.String(), d
			}
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// editDistance is the number of letters to change, add or take away.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
