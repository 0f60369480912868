package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSON is a JSON document without secrets, its keys in their order, indented
// by two spaces.
func (r *Redactor) JSON(doc []byte) ([]byte, error) {
	var data any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		return nil, fmt.Errorf("redacting document: %w", err)
	}
	e := &emitter{in: json.NewDecoder(bytes.NewReader(doc)), known: r.known()}
	e.in.UseNumber()
	if err := e.value(r.Object(data)); err != nil {
		return nil, fmt.Errorf("redacting document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, e.out.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("redacting document: %w", err)
	}
	return out.Bytes(), nil
}

// emitter writes redacted data in the order of the document that it comes from.
type emitter struct {
	in    *json.Decoder
	out   bytes.Buffer
	known *matcher
}

// value reads one value and writes what became of it.
func (e *emitter) value(redacted any) error {
	token, err := e.in.Token()
	if err != nil {
		return err
	}
	delimiter, container := token.(json.Delim)
	if !container {
		return e.write(redacted)
	}
	fields, isMap := redacted.(map[string]any)
	list, isList := redacted.([]any)
	if !isMap && !isList { // masked as a whole
		if err := e.skip(); err != nil {
			return err
		}
		return e.write(redacted)
	}
	e.out.WriteString(delimiter.String())
	for i := 0; e.in.More(); i++ {
		if i > 0 {
			e.out.WriteByte(',')
		}
		if isMap {
			err = e.field(fields)
		} else {
			err = e.value(list[i])
		}
		if err != nil {
			return err
		}
	}
	end, err := e.in.Token()
	if err == nil {
		e.out.WriteString(end.(json.Delim).String())
	}
	return err
}

func (e *emitter) field(fields map[string]any) error {
	token, err := e.in.Token()
	if err != nil {
		return err
	}
	key := e.known.replace(token.(string))
	if err := e.write(key); err != nil {
		return err
	}
	e.out.WriteByte(':')
	return e.value(fields[key])
}

// skip reads to the end of the container that was begun.
func (e *emitter) skip() error {
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

func (e *emitter) write(v any) error {
	b, err := json.Marshal(v)
	e.out.Write(b)
	return err
}
