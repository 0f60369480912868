package redact

import (
	"slices"
	"sort"
	"strings"
)

// matcher finds known values in texts, in time that is proportional to the
// text: at each place that could begin one, a binary search among all of them.
// A nil matcher finds nothing.
type matcher struct {
	// forms are sorted, and shorter holds for each the longest other form that
	// it begins with, -1 for none.
	forms   []form
	shorter []int
	// begins has a bit for the first bytes of every form.
	begins [1 << 10]uint64
}

// form is one notation of a value.
type form struct {
	text string
	// word says that it only counts as a word of its own, and blob that the
	// letters around it belong to the same encoded data.
	word bool
	blob func(byte) bool
}

// shortForm is the least length of a form, by which forms are looked up.
const shortForm = 4

func newMatcher(values []string) *matcher {
	if len(values) == 0 {
		return nil
	}
	seen := map[string]form{}
	for _, v := range values {
		for _, f := range formsOf(v) {
			if old, twice := seen[f.text]; len(f.text) >= shortForm && (!twice || old.word) {
				seen[f.text] = f
			}
		}
	}
	m := &matcher{}
	for _, f := range seen {
		m.forms = append(m.forms, f)
		h := prefix(f.text)
		m.begins[h>>6] |= 1 << (h & 63)
	}
	slices.SortFunc(m.forms, func(a, b form) int { return strings.Compare(a.text, b.text) })
	m.shorter = make([]int, len(m.forms))
	for i := range m.forms {
		m.shorter[i] = -1
		for p := i - 1; p >= 0; p = m.shorter[p] {
			if strings.HasPrefix(m.forms[i].text, m.forms[p].text) {
				m.shorter[i] = p
				break
			}
		}
	}
	return m
}

// prefix spreads the first four bytes over the bits of begins.
func prefix(s string) uint32 {
	h := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	return h * 2654435761 >> 16
}

// replace is s with every known value masked. Values that overlap or touch are
// masked as one.
func (m *matcher) replace(s string) string {
	if m == nil || len(s) < shortForm {
		return s
	}
	var out strings.Builder
	done, from, to := 0, -1, -1
	flush := func() {
		if from >= 0 {
			out.WriteString(s[done:from])
			out.WriteString(Mask)
			done, from = to, -1
		}
	}
	for i := 0; i+shortForm <= len(s); i++ {
		h := prefix(s[i:])
		if m.begins[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		f := m.longestAt(s, i)
		if f == nil {
			continue
		}
		begin, end := i, i+len(f.text)
		if f.blob != nil {
			for begin > max(done, to) && f.blob(s[begin-1]) {
				begin--
			}
			for end < len(s) && f.blob(s[end]) {
				end++
			}
		}
		if begin > to {
			flush()
			from = begin
		}
		to = max(to, end)
	}
	if flush(); done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// longestAt is the longest form that begins at s[i].
func (m *matcher) longestAt(s string, i int) *form {
	rest := s[i:]
	if len(rest) > maxForm {
		rest = rest[:maxForm]
	}
	// The form that begins rest is the last one that is not behind it, or one
	// that this one begins with.
	n := sort.Search(len(m.forms), func(k int) bool { return m.forms[k].text > rest }) - 1
	for ; n >= 0; n = m.shorter[n] {
		f := &m.forms[n]
		if strings.HasPrefix(rest, f.text) && (!f.word || alone(s, i, i+len(f.text))) {
			return f
		}
	}
	return nil
}

// alone reports whether s[from:to] is a word of its own. What sets colours on
// a terminal is no part of the word behind it.
func alone(s string, from, to int) bool {
	if to < len(s) && wordByte(s[to]) {
		return false
	}
	if from == 0 || !wordByte(s[from-1]) {
		return true
	}
	escape := strings.LastIndexByte(s[max(0, from-12):from], '\x1b')
	return escape >= 0 && s[from-1] == 'm'
}

func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= 0x80
}
