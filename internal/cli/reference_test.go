package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// The reference and the man pages say what the programs do: they are made from
// the verbs themselves. `make generate` writes them.
func TestReferenceIsThatOfTheVerbs(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	allVerbs(func(cmd *cobra.Command) {
		cmd.DisableAutoGenTag = true
		// kubectl's own default names the home directory of whoever runs this.
		if f := cmd.Root().PersistentFlags().Lookup("cache-dir"); f != nil {
			f.DefValue = "~/.kube/cache"
		}
		var page, man bytes.Buffer
		if err := doc.GenMarkdownCustom(cmd, &page, func(name string) string { return name }); err != nil {
			t.Fatal(err)
		}
		base := strings.ReplaceAll(cmd.CommandPath(), " ", "_")
		want["docs/reference/"+base+".md"] = trimLineEnds(page.String())
		// Neither a clock nor a version goes in.
		date := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
		header := &doc.GenManHeader{Section: "1", Source: "aistor-upgrade", Date: &date}
		if err := doc.GenMan(cmd, header, &man); err != nil {
			t.Fatal(err)
		}
		want["docs/man/"+strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"] = man.String()
	})
	for _, dir := range []string{"docs/reference", "docs/man"} {
		compareReference(t, dir, want)
	}
}

// trimLineEnds ends every line where its text ends.
func trimLineEnds(text string) string {
	var list []string
	for _, l := range strings.Split(text, "\n") {
		list = append(list, strings.TrimRight(l, " "))
	}
	return strings.TrimRight(strings.Join(list, "\n"), "\n") + "\n"
}

func compareReference(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	folder := filepath.Join(checkout, filepath.FromSlash(dir))
	if *update {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if strings.HasPrefix(name, dir+"/") {
				if err := os.WriteFile(filepath.Join(checkout, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, f := range found {
		b, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		have[dir+"/"+f.Name()] = string(b)
	}
	mine := map[string]string{}
	for name, text := range want {
		if strings.HasPrefix(name, dir+"/") {
			mine[name] = text
		}
	}
	if diff := cmp.Diff(have, mine); diff != "" {
		t.Errorf("%s is not that of the verbs (-there +is); make generate writes it:\n%.3000s", dir, diff)
	}
}
