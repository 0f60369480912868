package redact

import (
	"regexp"
	"strings"
)

// looksSecret reports whether a value looks like a secret: no word, no path, no
// address, no number, but letters with digits or signs among them.
func looksSecret(v string) bool {
	v = strings.TrimSpace(v)
	if len(v) < 8 || strings.ContainsAny(v, " \t\n") || settingValue.MatchString(v) || placeValue.MatchString(v) || ordinary.MatchString(v) {
		return false
	}
	var lower, upper, digit, sign bool
	for i := range len(v) {
		switch b := v[i]; {
		case b >= 'a' && b <= 'z':
			lower = true
		case b >= 'A' && b <= 'Z':
			upper = true
		case b >= '0' && b <= '9':
			digit = true
		default:
			sign = sign || !strings.ContainsRune("-_./:,@", rune(b))
		}
	}
	return digit && (lower || upper) || lower && upper && len(v) >= 12 && !humps.MatchString(v) || sign && (lower || upper)
}

var (
	// ordinary are images, versions, addresses, times, digests and UIDs.
	ordinary = regexp.MustCompile(`^(?:[a-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._-]+)+(?:[:@][A-Za-z0-9._:-]+)?|v?[0-9]+(?:\.[0-9]+)+[A-Za-z0-9.+-]*|(?:[a-z0-9-]+\.)+[a-z0-9-]+(?::[0-9]+)?|https?://[A-Za-z0-9./:_-]+|RELEASE\.[0-9TZ-]+.*|[0-9]{4}-[0-9]{2}-[0-9]{2}T.*|sha(?:256|512):[0-9a-f]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[a-z]+(?:-[a-z0-9]{1,10})+|[a-z]{2,}[0-9]{0,3})$`)
	// humps are words that are written together.
	humps = regexp.MustCompile(`^(?:[A-Z]?[a-z]+)(?:[A-Z][a-z]+)*$`)
	// digestBefore ends the text before what is a digest or an identity.
	digestBefore = regexp.MustCompile(`(?i)(?:sha(?:1|256|512)[:@=-]|md5[:=]|[a-z]+://|(?:digest|checksum|checksums?/[a-z0-9._-]+|hash|uid|commit|revision|fingerprint|etag|build)["']?[:=]? *["']?)$`)
	// digest is a whole SHA-1, SHA-256, SHA-384 or SHA-512 sum: what has no name
	// and this length is the ID of a commit, an image or a file.
	digest = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$`)
	// sumLine begins a line of md5sum and its kind.
	sumLine = regexp.MustCompile(`^[0-9a-f]{32,} [ *][A-Za-z0-9._/]`)
	uuid    = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	// blobPath is where an OCI image layout keeps a blob.
	blobPath = regexp.MustCompile(`sha(?:256/[0-9a-f]{64}|512/[0-9a-f]{128})$`)
	// minisignKey is a public key.
	minisignKey = regexp.MustCompile(`^RW[A-Za-z0-9+/]{54}$`)
	hexWord     = regexp.MustCompile(`^[0-9a-f]+$|^[0-9A-F]+$`)
)

// randomWords masks long words of random letters. Digests, UIDs, names of
// objects, file names and release tags stay: see [random].
func (w *walker) randomWords(s string) string {
	if len(s) < 20 {
		return s
	}
	public := certificates(s)
	var out strings.Builder
	done := 0
	for at := [2]int{}; longWord(s, &at); {
		for len(public) > 0 && public[0][1] <= at[0] {
			public = public[1:]
		}
		if len(public) > 0 && public[0][0] <= at[0] {
			continue
		}
		hit := s[at[0]:at[1]]
		if !random(hit) || digest.MatchString(hit) || sumLine.MatchString(s[at[0]:min(len(s), at[1]+4)]) || digestBefore.MatchString(s[max(0, at[0]-40):at[0]]) || isPublicPEM(hit) || minisignKey.MatchString(hit) {
			continue
		}
		out.WriteString(s[done:at[0]])
		out.WriteString(w.maskSecret(hit))
		done = at[1]
	}
	return out.String() + s[done:]
}

// longWord moves at to the next word behind it that may be a token of random
// letters.
func longWord(s string, at *[2]int) bool {
	for begin := at[1]; begin < len(s); {
		if !tokenByte(s[begin]) || s[begin] == '/' {
			begin++
			continue
		}
		end := begin + 1
		for end < len(s) && tokenByte(s[end]) {
			end++
		}
		for end < len(s) && s[end] == '=' {
			end++
		}
		if end-begin >= 20 {
			*at = [2]int{begin, end}
			return true
		}
		begin = end
	}
	return false
}

func tokenByte(b byte) bool {
	return wordByte(b) && b < 0x80 || b == '+' || b == '/' || b == '-'
}

// certificates are the places of blocks in PEM that everybody may see.
func certificates(s string) [][]int {
	if !strings.Contains(s, "-----BEGIN ") {
		return nil
	}
	var list [][]int
	for _, m := range pem.FindAllStringSubmatchIndex(s, -1) {
		if public(s[m[2]:m[3]]) {
			list = append(list, m[:2])
		}
	}
	return list
}

// random reports whether a long word is made of random letters: kinds of
// letters change often in it, while words and names keep one.
func random(s string) bool {
	s = strings.TrimRight(blobPath.ReplaceAllString(uuid.ReplaceAllString(s, ""), ""), "=")
	longest := ""
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("/+_-", r) }) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	if len(longest) >= 20 && (kinds(longest) >= 2 && changes(longest) >= 0.25 || hexWord.MatchString(longest) && kinds(longest) == 2) {
		return true
	}
	joined := strings.NewReplacer("/", "", "+", "", "_", "", "-", "").Replace(s)
	return len(joined) >= 24 && kinds(joined) == 3 && changes(joined) >= 0.3
}

// kinds counts lower case, upper case and digits.
func kinds(s string) int {
	seen := [4]bool{}
	for i := range len(s) {
		seen[kindOf(s[i])] = true
	}
	n := 0
	for _, k := range seen[:3] {
		if k {
			n++
		}
	}
	return n
}

// changes is the share of neighbours that are of different kinds. A capital
// that begins a word counts once.
func changes(s string) float64 {
	n := 0
	for i := 1; i < len(s); i++ {
		if was, is := kindOf(s[i-1]), kindOf(s[i]); was != is && (was != 1 || is != 0) {
			n++
		}
	}
	return float64(n) / float64(max(len(s)-1, 1))
}

func kindOf(b byte) int {
	switch {
	case b >= 'a' && b <= 'z':
		return 0
	case b >= 'A' && b <= 'Z':
		return 1
	case b >= '0' && b <= '9':
		return 2
	}
	return 3
}
