package aistor

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"text/template"
)

// all: because the helper templates' names begin with an underscore.
//
//go:embed all:charts/src
var source embed.FS

// File is one file of a chart, its path relative to the chart's directory.
type File struct {
	Path string
	Data []byte
}

// data is what a source file sees, between [[ and ]].
type data struct {
	Chart, Version, AppVersion string

	Images      []Image
	Release     string
	StoreImages string
	// Sep joins the words of a role's name, from 5.7.0 on.
	Sep string
}

// Files returns the chart's files, sorted by path. A file that is empty for
// this version is left out.
func (v Version) Files() ([]File, error) {
	root := "charts/src/operator"
	if v.Chart == StoreChart {
		root = "charts/src/objectstore"
	}
	in, err := v.data()
	if err != nil {
		return nil, err
	}
	var files []File
	err = fs.WalkDir(source, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := v.fill(name, in)
		if err != nil || len(bytes.TrimSpace(text)) == 0 {
			return err
		}
		files = append(files, File{Path: strings.TrimPrefix(name, root+"/"), Data: text})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("filling in chart %q: %w", v.ID(), err)
	}
	return files, nil
}

func (v Version) data() (data, error) {
	digits := strings.NewReplacer("RELEASE.", "", "-", "", "T", "", "Z", "").Replace(v.Release())
	in := data{Chart: v.Chart, Version: v.Version, Images: v.Images, Release: v.Release(), AppVersion: "v" + digits + ".0.0", Sep: "-", StoreImages: "[kes, kes-sidecar, minio, minio-sidecar]"}
	minwall, err := v.atLeast("5.8.0")
	if err != nil {
		return data{}, err
	}
	if minwall {
		in.StoreImages = "[minwall, kes, kes-sidecar, minio, minio-sidecar]"
	}
	dashes, err := v.atLeast("5.9.0")
	if err != nil {
		return data{}, err
	}
	if !dashes {
		in.Sep = ":"
	}
	return in, nil
}

func (v Version) fill(name string, in data) ([]byte, error) {
	text, err := source.ReadFile(name)
	if err != nil {
		return nil, err
	}
	parsed, err := template.New(path.Base(name)).Delims("[[", "]]").Funcs(v.functions()).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, in); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// functions returns what the source may call: the version test, and the schema
// pieces that the custom resource definitions repeat.
func (v Version) functions() template.FuncMap {
	const (
		free        = "{type: object, x-kubernetes-preserve-unknown-fields: true}"
		name        = `{type: string, default: ""}`
		certificate = "{type: object, required: [name], properties: {name: {type: string}, type: {type: string}}}"
		containers  = "{type: array, items: {type: object, required: [name], properties: {name: {type: string}, image: {type: string}}, x-kubernetes-preserve-unknown-fields: true}}"
	)
	text := func(s string) func() string { return func() string { return s } }
	return template.FuncMap{
		"atLeast":     v.atLeast,
		"free":        text(free),
		"freeList":    text("{type: array, items: " + free + "}"),
		"strings":     text("{type: object, additionalProperties: {type: string}}"),
		"named":       text("{type: object, properties: {name: " + name + "}}"),
		"certificate": text(certificate),
		"containers":  text(containers),
		"image":       v.imageSchema,
		"service":     v.serviceSchema,
	}
}

// imageSchema follows the published schema, which checks references from 5.8.0.
func (v Version) imageSchema() (string, error) {
	checked, err := v.atLeast("5.8.0")
	if err != nil || !checked {
		return "{type: string}", err
	}
	return `{type: string, pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.\-\/:@]*$'}`, nil
}

func (v Version) serviceSchema() (string, error) {
	strings := "{type: object, additionalProperties: {type: string}}"
	fields := "annotations: " + strings + ", labels: " + strings +
		", nodePort: {type: integer, format: int32}, serviceExternalTrafficPolicy: {type: string}, serviceType: {type: string}"
	named, err := v.atLeast("5.2.0")
	if named {
		fields += ", name: {type: string}"
	}
	return "{type: object, properties: {" + fields + "}}", err
}
