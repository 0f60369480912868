package redact

import (
	"regexp"
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
	// text is in lower case, and exact how it is written where the case counts.
	text, exact string
	// wholeWord says that it only counts as a word of its own, and blob that the
	// letters around it belong to the same encoded data.
	wholeWord bool
	blob      func(byte) bool
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
			old, twice := seen[f.text]
			if twice && old.exact != f.exact {
				f.exact = ""
			}
			if twice && !old.wholeWord {
				f.wholeWord = false
			}
			if len(f.text) >= shortForm {
				seen[f.text] = f
			}
		}
	}
	m := &matcher{}
	for _, f := range seen {
		m.forms = append(m.forms, f)
		h := prefixBit(f.text)
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

// prefixBit spreads the first four bytes over the bits of begins.
func prefixBit(s string) uint32 {
	h := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	return h * 2654435761 >> 16
}

// maskKnown is s with every known value masked. Values that overlap or touch are
// masked as one.
func (m *matcher) maskKnown(s string) string {
	if m == nil || len(s) < shortForm {
		return s
	}
	spans := m.find(s, 0)
	if unwrapped, places := unwrap(s); places != nil {
		for _, span := range m.find(unwrapped, wrappedForm) {
			// What lies on one line was found before.
			if from, to := places[span[0]], places[span[1]-1]+1; to-from > span[1]-span[0] {
				spans = append(spans, [2]int{from, to})
			}
		}
		slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	}
	var out strings.Builder
	done := 0
	for i := 0; i < len(spans); {
		from, to := spans[i][0], spans[i][1]
		for i++; i < len(spans) && spans[i][0] <= to; i++ {
			to = max(to, spans[i][1])
		}
		out.WriteString(s[done:from])
		out.WriteString(Mask)
		done = to
	}
	if done == 0 {
		return s
	}
	return out.String() + s[done:]
}

// find gives the places of forms of a least length, in their order.
func (m *matcher) find(s string, least int) [][2]int {
	lower := lowerCase(s)
	var spans [][2]int
	done := 0
	for i := 0; i+shortForm <= len(s); i++ {
		h := prefixBit(lower[i:])
		if m.begins[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		f := m.longestAt(lower, s, i)
		if f == nil || len(f.text) < least {
			continue
		}
		begin, end := i, i+len(f.text)
		if f.blob != nil {
			for begin > done && f.blob(s[begin-1]) {
				begin--
			}
			for end < len(s) && f.blob(s[end]) {
				end++
			}
		}
		done = max(done, end)
		spans = append(spans, [2]int{begin, end})
	}
	return spans
}

// wrappedForm is the length from which a form is also found where it goes over
// lines.
const wrappedForm = 24

// lineBreak is where a long word is wrapped, with what begins the next line.
var lineBreak = regexp.MustCompile(`(?:\r?\n|\\+n)[ \t]*(?:[+#>|-][ \t]+)?`)

// unwrap is a text without its ends of lines, and where each of its bytes comes
// from; nil where there is no end of a line.
func unwrap(s string) (unwrapped string, places []int) {
	if !strings.Contains(s, "\n") && !strings.Contains(s, `\n`) {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	places = make([]int, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\n' || s[i] == '\r' || s[i] == '\\' {
			if m := lineBreak.FindStringIndex(s[i:min(len(s), i+80)]); m != nil && m[0] == 0 {
				i += m[1] - 1
				continue
			}
		}
		b, places = append(b, s[i]), append(places, i)
	}
	return string(b), places
}

// longestAt is the longest form that begins at s[i]; lower is s in lower case.
func (m *matcher) longestAt(lower, s string, i int) *form {
	rest := lower[i:]
	if len(rest) > maxForm {
		rest = rest[:maxForm]
	}
	// The form that begins rest is the last one that is not behind it, or one
	// that this one begins with.
	n := sort.Search(len(m.forms), func(k int) bool { return m.forms[k].text > rest }) - 1
	for ; n >= 0; n = m.shorter[n] {
		f := &m.forms[n]
		if strings.HasPrefix(rest, f.text) && (f.exact == "" || strings.HasPrefix(s[i:], f.exact)) && (!f.wholeWord || isWholeWord(s, i, i+len(f.text))) {
			return f
		}
	}
	return nil
}

// isWholeWord reports whether s[from:to] is a word of its own. What sets colours on
// a terminal is no part of the word behind it.
func isWholeWord(s string, from, to int) bool {
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

// lowerCase turns the letters of ASCII to lower case; no byte moves.
func lowerCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
