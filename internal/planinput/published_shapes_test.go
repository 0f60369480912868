package planinput_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const shapesFolder = "../values/testdata"

// shape is one set of values files of the user's, in Helm's order.
type shape struct {
	name  string
	files [][]byte
	// refused says that the editor is to refuse it, and to name the line.
	refused bool
}

// shapesOf reads a directory in which a file is a shape, and so is a directory of
// several files.
func shapesOf(t *testing.T, folder string) []shape {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(shapesFolder, folder))
	if err != nil || len(entries) < 12 {
		t.Fatalf("%d shapes of values for %s, want at least 12: %v", len(entries), folder, err)
	}
	var out []shape
	for _, e := range entries {
		at := filepath.Join(shapesFolder, folder, e.Name())
		names := []string{at}
		if e.IsDir() {
			if names, err = filepath.Glob(filepath.Join(at, "*")); err != nil {
				t.Fatal(err)
			}
		}
		name, refused := strings.CutSuffix(strings.TrimSuffix(e.Name(), path.Ext(e.Name())), ".refused")
		s := shape{name: folder + "/" + name, refused: refused}
		for _, n := range names {
			data, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			s.files = append(s.files, data)
		}
		out = append(out, s)
	}
	return out
}

// merged are the values of several files together, and each file's own.
func merged(files [][]byte) (together map[string]any, each []map[string]any, err error) {
	together = map[string]any{}
	for _, data := range files {
		v, err := chart.ParseValues(data)
		if err != nil {
			return nil, nil, err
		}
		each = append(each, v)
		together = values.Merge(together, v)
	}
	return together, each, nil
}

// edited are the files after rewriting, each edit in the file that decides it.
// A shape that is to be refused must be, by an error that names a line.
func (s shape) edited(result *values.Result) ([][]byte, error) {
	_, each, err := merged(s.files)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	var refusal *values.EditError
	for i, edits := range values.AssignEdits(result.Edits, each) {
		data, err := values.Apply(s.files[i], edits)
		if s.refused && errors.As(err, &refusal) && refusal.Line > 0 {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	if s.refused {
		return nil, errors.New("the editor did not refuse it")
	}
	after, _, err := merged(out)
	if err != nil {
		return nil, err
	}
	if diff := gocmp.Diff(result.Values, after); diff != "" {
		return nil, fmt.Errorf("the files do not say what was meant (-meant +files):\n%s", diff)
	}
	return out, nil
}

// oracle is what charts pull and what each shape changes of it, written down
// independently of this project's own discovery.
type oracle struct {
	charts map[string][]string
	shapes map[string][]string
}

// readOracle reads the images of every operator chart, optional ones with a
// plus before them, and the changes of every shape; the files say how they
// were made.
func readOracle(t *testing.T) oracle {
	t.Helper()
	o := oracle{map[string][]string{}, map[string][]string{}}
	for _, fields := range fieldsOf(t, "../chart/testdata/published-images.txt") {
		id := aistor.OperatorChartFor(fields[0]) + "-" + fields[0]
		for _, field := range fields[1:] {
			o.charts[id] = append(o.charts[id], oracleRef(field))
		}
	}
	for _, fields := range fieldsOf(t, filepath.Join(shapesFolder, "expected-images.txt")) {
		o.shapes[fields[0]] = append(o.shapes[fields[0]], strings.Join(fields[1:], " "))
	}
	return o
}

func fieldsOf(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 0 && !strings.HasPrefix(fields[0], "#") {
			out = append(out, fields)
		}
	}
	return out
}

func oracleRef(field string) string {
	name, tag, _ := strings.Cut(field, "=")
	name, optional := strings.CutPrefix(name, "+")
	base := "quay.io/minio/aistor/"
	if rest, ok := strings.CutPrefix(name, "minio/"); ok {
		base, name = "quay.io/minio/", rest
	}
	if bare, ok := strings.CutSuffix(tag, "!"); ok {
		tag = bare
	} else if !strings.HasPrefix(tag, "v") {
		tag = "RELEASE." + tag
	}
	if optional {
		base = "+" + base
	}
	return base + name + ":" + tag
}

// expects is where a chart, every operator on, is to pull from with a shape's
// values after rewriting.
func (o oracle) expects(c *chart.Chart, s shape, mirror images.Mirror) ([]string, error) {
	list := []string{}
	for _, ref := range o.charts[c.ID()] {
		list = append(list, strings.TrimPrefix(ref, "+"))
	}
	for _, line := range o.shapes[s.name] {
		changes := strings.Fields(line)
		if from, bounded := strings.CutPrefix(changes[0], ">="); bounded {
			if changes = changes[1:]; aistor.VersionBefore(c.Version, from) {
				continue
			}
		}
		for _, change := range changes {
			list = changed(list, change)
		}
	}
	for i, s := range list {
		ref, err := images.ParseRef(s)
		if err != nil {
			return nil, err
		}
		list[i] = mirror.Map(ref).String()
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// changed makes one change: +REF adds a reference, -NAME takes those of a name
// away, NAME:TAG and NAME@DIGEST replace tag and digest of an image of this
// name, .fips ends every tag.
func changed(list []string, change string) []string {
	if ref, more := strings.CutPrefix(change, "+"); more {
		return append(list, ref)
	}
	if name, less := strings.CutPrefix(change, "-"); less {
		return slices.DeleteFunc(list, func(ref string) bool { return strings.Contains(ref, "/"+name+":") })
	}
	name := change[:strings.IndexAny(change, ":@.")]
	for i, ref := range list {
		base := ref[:strings.LastIndexByte(ref, ':')]
		switch {
		case name == "" && !strings.HasSuffix(ref, change):
			list[i] = ref + change
		case name != "" && path.Base(base) == name:
			list[i] = strings.TrimSuffix(base, name) + change
		}
	}
	return list
}
