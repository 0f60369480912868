package preflight

import (
	"slices"
	"strings"
)

// closestID is the ID that was probably meant, or "" where none is near: at most
// a third of the letters differ, or one is a part of the other.
func closestID(id string, known []string) string {
	best, least := "", len(id)/3+1
	for _, k := range known {
		d := editDistance(id, k)
		if len(id) > 3 && (strings.Contains(k, id) || strings.Contains(id, k)) {
			d = min(d, 1)
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// editDistance is the number of letters to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(before[j+1]+1, row[j]+1, before[j]+cost)
		}
	}
	return row[len(b)]
}
