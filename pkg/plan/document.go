package plan

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// maxDocument is far above any site or plan, and bounds what reading one takes.
const maxDocument = 64 << 20

// UnmarshalDocument reads a file that must hold exactly one YAML or JSON
// document. A second one, which decoders leave out without a word, an unknown
// field and a field that is there twice are errors.
func UnmarshalDocument(text []byte, into any) error {
	if len(text) > maxDocument {
		return fmt.Errorf("it has %d bytes, at most %d are read", len(text), maxDocument)
	}
	if n := secondDocument(string(text)); n > 0 {
		return fmt.Errorf("line %d: a second YAML document begins, and exactly one is expected", n)
	}
	return yaml.UnmarshalStrict(text, into)
}

// secondDocument is the line on which a second document has its first content,
// or 0. A marker at the beginning of a line is never part of a value.
func secondDocument(text string) int {
	content, ended := false, false
	n := 0
	for l := range strings.Lines(text) {
		n++
		l = strings.TrimRight(l, " \t\r\n")
		rest, marker := strings.CutPrefix(l, "---")
		marker = marker && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
		if marker || l == "..." {
			ended = content
			l = ""
			if marker {
				l = strings.TrimSpace(rest)
			}
		}
		if trimmed := strings.TrimSpace(l); trimmed == "" || trimmed[0] == '#' || !content && trimmed[0] == '%' {
			continue
		}
		if ended {
			return n
		}
		content = true
	}
	return 0
}
