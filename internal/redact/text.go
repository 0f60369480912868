package redact

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// The patterns are constants in all but name: Go has none of this type.
var (
	// pem finds a block, also one that was cut off.
	pem        = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]*)-----.*?(?:-----END [A-Z0-9 ]*-----|\z)`)
	encodedPEM = regexp.MustCompile(`LS0tLS1CRUdJTi[A-Za-z0-9+/=]*`)
	// secretKind and secretData find a Secret in YAML, and what it holds.
	secretKind = regexp.MustCompile(`(?m)^[ \t+-]*kind:[ \t]*["']?Secret["']?[ \t]*$`)
	secretData = regexp.MustCompile(`(?m)^[ \t+-]*(data|stringData):[ \t]*$`)
	// linePrefix is what may stand before a name that begins a line.
	linePrefix = regexp.MustCompile(`^[ \t+\-#>?]*(?:(?:export|set|declare -x)[ \t]+)?(?:\\*["'])?$`)
	// entry is a line of YAML with a key of its own.
	entry = regexp.MustCompile(`^[ \t+\-]*["']?[A-Za-z0-9_./-]+["']?[ \t]*:(?:[ \t]|$)`)
	block = regexp.MustCompile(`^[|>][0-9+-]*[ \t]*(?:#.*)?\r?$`)
)

// redactText masks what names and shapes give away in a text of any kind.
func (w *walker) redactText(s string) string { return w.randomWords(w.named(s)) }

// named is [walker.redactText] without a look for long random words, for what is a
// digest or an identity.
func (w *walker) named(s string) string {
	s = pem.ReplaceAllStringFunc(s, func(hit string) string {
		if public(pem.FindStringSubmatch(hit)[1]) {
			return hit
		}
		return w.maskSecret(hit)
	})
	s = encodedPEM.ReplaceAllStringFunc(s, func(hit string) string {
		if isPublicPEM(hit) {
			return hit
		}
		return w.maskSecret(hit)
	})
	s = w.manifests(s)
	s = w.maskURLLogins(s)
	s = w.dotenvLines(s)
	s = w.jsonDocuments(s)
	s = w.yamlDocument(s)
	s = w.maskAssignments(s, findVariable)
	s = w.shapes(s)
	s = w.maskAssignments(s, findAssigned)
	return w.maskAssignments(s, findFlag)
}

// rareYAML is in documents that write a name and its value in a way which is
// found by structure only.
var rareYAML = regexp.MustCompile(`(?m)^[ \t-]*(?:\?[ \t]|\{)|[ \t][{&*][A-Za-z"']|^[ \t-]*["']?value["']?:|^[ \t-]*["']?\w*(?i:passwords?|tokens|credentials|pats)["']?:[ \t]*\r?$`)

// yamlDocument masks what the structure of a document in YAML gives away.
func (w *walker) yamlDocument(s string) string {
	if len(s) > 1<<18 || !rareYAML.MatchString(s) {
		return s
	}
	doc := document(s)
	if doc == nil {
		return s
	}
	inner := &walker{lenient: true}
	inner.redactValue("", doc)
	inner.found = slices.DeleteFunc(inner.found, func(v string) bool { return !isSearchable(v) || isStatus(v) })
	shown := newMatcher(inner.found).maskKnown(s)
	if shown != s {
		w.found = append(w.found, inner.found...)
		w.hidden++
	}
	return shown
}

// manifests masks what Secrets hold in texts that are, or have, manifests.
func (w *walker) manifests(s string) string {
	if !namesSecretKind(s) {
		return s
	}
	docs := strings.SplitAfter(s, "\n---")
	for i, doc := range docs {
		if secretKind.MatchString(doc) {
			docs[i] = w.secretManifest(doc)
		}
	}
	return strings.Join(docs, "")
}

// namesSecretKind is a quick look for what secretKind finds.
func namesSecretKind(s string) bool {
	for i := strings.Index(s, "Secret"); i >= 0; {
		if strings.HasSuffix(strings.TrimRight(s[max(0, i-16):i], " \t\"'"), "kind:") {
			return true
		}
		next := strings.Index(s[i+1:], "Secret")
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

func (w *walker) secretManifest(s string) string {
	var out strings.Builder
	done := 0
	for _, m := range secretData.FindAllStringSubmatchIndex(s, -1) {
		if m[0] < done {
			continue
		}
		a := assignment{all: s, name: m[2], nameEnd: m[3], sep: ":", value: m[1]}
		if from, to := a.indentedBlock(m[1], true); to > from && s[from:to] != Mask {
			out.WriteString(s[done:from])
			out.WriteString(w.maskSecret(s[from:to]))
			done = to
		}
	}
	return out.String() + s[done:]
}

// isPublicPEM reports whether s is base64 of a block that everybody may see.
func isPublicPEM(s string) bool {
	if !strings.HasPrefix(s, "LS0tLS1CRUdJTi") {
		return false
	}
	head, _ := base64.StdEncoding.DecodeString(s[:min(len(s), 64)/4*4])
	label := pem.FindSubmatch(head)
	return label != nil && public(string(label[1]))
}

// public reports whether a block of this label is for everybody to see.
func public(label string) bool {
	return strings.HasPrefix(label, "PGP S") || strings.HasSuffix(label, "PUBLIC KEY BLOCK") || strings.HasSuffix(label, "CERTIFICATE") || strings.HasSuffix(label, "PUBLIC KEY") ||
		strings.HasSuffix(label, "CERTIFICATE REQUEST") || strings.HasSuffix(label, "CRL")
}

// maskAssignments masks the values of what find finds behind names of secrets.
func (w *walker) maskAssignments(s string, find finder) string {
	var out strings.Builder
	done, end := 0, -1
	for at := 0; at < len(s); {
		a, ok := find(s, at)
		if !ok {
			break
		}
		at = a.value
		name := s[a.name:a.nameEnd]
		strength := w.strengthIn(a, name)
		if strength == harmless {
			continue
		}
		if end < a.value { // of the line; of a long one it is looked for once
			if end = strings.IndexByte(s[a.value:], '\n') + a.value; end < a.value {
				end = len(s)
			}
		}
		if a.end = end; a.isFalseMatch() {
			continue
		}
		from, to := a.secretRange()
		if to <= from || !a.hides(name, strength, s[from:to]) {
			continue
		}
		if value := s[from:to]; strength == certain || looksSecret(value) {
			w.maskSecret(value)
		}
		out.WriteString(s[done:from])
		out.WriteString(w.hide())
		done, at = to, to
	}
	if done == 0 {
		return s
	}
	return out.String() + s[done:]
}
