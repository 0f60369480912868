package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// JSON is a JSON document without secrets, its keys in their order, indented
// by two spaces.
func (r *Redactor) JSON(doc []byte) ([]byte, error) {
	redacted, _, err := (&walker{known: r.currentMatcher()}).jsonDocument(string(doc))
	if err != nil {
		return nil, fmt.Errorf("redacting document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(redacted), "", "  "); err != nil {
		return nil, fmt.Errorf("redacting document: %w", err)
	}
	return out.Bytes(), nil
}

// jsonDocuments redacts the JSON documents within a text by their structure.
func (w *walker) jsonDocuments(s string) string {
	var out strings.Builder
	done, torn := 0, 0
	for at := nextJSON(s, 0); at >= 0; at = nextJSON(s, at) {
		doc, length, err := w.jsonDocument(s[at:])
		switch syntax := new(json.SyntaxError); {
		case err == nil:
			if doc != s[at:at+length] {
				out.WriteString(s[done:at])
				out.WriteString(doc)
				done = at + length
			}
			at += length
		case errors.As(err, &syntax) && syntax.Offset > 1:
			at += int(syntax.Offset) - 1
		default:
			if torn++; torn > 8 { // each reads to the end of the text
				return out.String() + s[done:]
			}
			at++
		}
	}
	if done == 0 {
		return s
	}
	return out.String() + s[done:]
}

// nextJSON is where the next object or list may begin at or behind at; -1 is
// nowhere.
func nextJSON(s string, at int) int {
	for at < len(s) {
		i := strings.IndexAny(s[at:], "{[")
		if i < 0 {
			return -1
		}
		at += i
		inner := strings.TrimLeft(s[at+1:min(len(s), at+64)], " \t\r\n")
		if inner != "" && (inner[0] == '"' || s[at] == '[' && (inner[0] == '{' || inner[0] == '[')) {
			return at
		}
		at++
	}
	return -1
}

// jsonDocument redacts the document that s begins with, and gives its length.
// All that is no secret stays as it is written.
func (w *walker) jsonDocument(s string) (doc string, length int, err error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var data any
	if err := d.Decode(&data); err != nil {
		return "", 0, err
	}
	length = int(d.InputOffset())
	before := w.hidden
	redacted := w.redactValue("", data)
	if w.hidden == before && w.known == nil {
		return s[:length], length, nil
	}
	e := &jsonEditor{source: s[:length], in: json.NewDecoder(strings.NewReader(s[:length])), known: w.known}
	e.in.UseNumber()
	if err := e.value(redacted); err != nil {
		return "", 0, err
	}
	return e.out.String() + e.source[e.done:], length, nil
}

// jsonEditor replaces in a document what was redacted in its data.
type jsonEditor struct {
	source string
	in     *json.Decoder
	out    strings.Builder
	// done is up to where the source is written.
	done  int
	known *matcher
}

// next reads a token and says where it begins.
func (e *jsonEditor) next() (token json.Token, begin int, err error) {
	rest := e.source[e.in.InputOffset():]
	begin = len(e.source) - len(strings.TrimLeft(rest, " \t\r\n,:"))
	token, err = e.in.Token()
	return token, begin, err
}

// value reads one value and writes what became of it.
func (e *jsonEditor) value(redacted any) error {
	token, begin, err := e.next()
	if err != nil {
		return err
	}
	_, container := token.(json.Delim)
	fields, isMap := redacted.(map[string]any)
	list, isList := redacted.([]any)
	switch {
	case !container:
		if token != redacted {
			return e.replace(begin, redacted)
		}
		return nil
	case !isMap && !isList: // masked as a whole
		if err := e.skip(); err != nil {
			return err
		}
		return e.replace(begin, redacted)
	}
	for i := 0; e.in.More(); i++ {
		if isMap {
			err = e.field(fields)
		} else {
			err = e.value(list[i])
		}
		if err != nil {
			return err
		}
	}
	_, err = e.in.Token()
	return err
}

func (e *jsonEditor) field(fields map[string]any) error {
	token, begin, err := e.next()
	if err != nil {
		return err
	}
	key := e.known.maskKnown(token.(string))
	if key != token {
		if err := e.replace(begin, key); err != nil {
			return err
		}
	}
	return e.value(fields[key])
}

// skip reads to the end of the container that was begun.
func (e *jsonEditor) skip() error {
	for depth := 1; depth > 0; {
		token, err := e.in.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

// replace writes v in place of what was read since begin.
func (e *jsonEditor) replace(begin int, v any) error {
	e.out.WriteString(e.source[e.done:begin])
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	e.out.WriteString(strings.TrimSuffix(b.String(), "\n"))
	e.done = int(e.in.InputOffset())
	return nil
}
