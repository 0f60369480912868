package aistor_test

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
)

type object map[string]any

func (o object) name() string {
	meta, _ := o["metadata"].(map[string]any)
	return fmt.Sprintf("%v/%v/%v", o["kind"], meta["namespace"], meta["name"])
}

func packed(t *testing.T, id string) *chart.Chart {
	t.Helper()
	version, err := aistor.Find(id)
	if err != nil {
		t.Fatal(err)
	}
	file, err := version.Pack()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := loader.LoadArchive(bytes.NewReader(file.Data))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// render returns the chart's objects by kind/namespace/name, and its notes.
func render(c *chart.Chart, values string) (map[string]object, string, error) {
	parsed := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
		return nil, "", err
	}
	in, err := chartutil.ToRenderValues(c, parsed, chartutil.ReleaseOptions{Name: "aistor", Namespace: "aistor", IsInstall: true}, nil)
	if err != nil {
		return nil, "", err
	}
	files, err := engine.Render(c, in)
	if err != nil {
		return nil, "", err
	}
	objects, notes := map[string]object{}, ""
	for name, text := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			notes = text
			continue
		}
		for _, document := range strings.Split("\n"+text, "\n---") {
			var o object
			if err := yaml.UnmarshalStrict([]byte(document+"\n"), &o); err != nil {
				return nil, "", fmt.Errorf("parsing %s: %w\n%s", name, err, document)
			}
			if len(o) > 0 {
				objects[o.name()] = o
			}
		}
	}
	return objects, notes, nil
}

// images collects every image reference, also those inside ConfigMaps' strings.
func images(objects map[string]object) []string {
	seen := map[string]bool{}
	for name, o := range objects {
		if !strings.HasPrefix(name, "CustomResourceDefinition/") {
			collect(map[string]any(o), seen)
		}
	}
	var all []string
	for ref := range seen {
		all = append(all, ref)
	}
	sort.Strings(all)
	return all
}

func collect(node any, seen map[string]bool) {
	switch v := node.(type) {
	case map[string]any:
		for key, value := range v {
			if ref, ok := value.(string); ok && key == "image" {
				seen[ref] = true
			}
			collect(value, seen)
		}
	case []any:
		for _, value := range v {
			collect(value, seen)
		}
	case string:
		if strings.HasPrefix(v, "image:") {
			var nested map[string]any
			if yaml.Unmarshal([]byte(v), &nested) == nil {
				collect(nested, seen)
			}
		}
	}
}

func names(objects map[string]object) []string {
	var all []string
	for name := range objects {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
