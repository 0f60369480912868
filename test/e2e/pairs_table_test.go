package e2e

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// pairResults are outcomes in words by the pair's name.
type pairResults struct {
	mu   sync.Mutex
	of   map[string]string
	file string
}

// surprise is the outcome that must not be. Such a pair is tried again by the
// next run.
const surprise = "surprise"

func (r *pairResults) known(p pair) bool {
	words := r.of[p.String()]
	return words != "" && words != surprise
}

// readPairs reads what earlier runs wrote. Without a file nothing is kept.
func readPairs(t *testing.T, file string) *pairResults {
	t.Helper()
	r := &pairResults{of: map[string]string{}, file: file}
	f, err := os.Open(file)
	if err != nil {
		return r // the first run writes it
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, words, ok := strings.Cut(lines.Text(), ": "); ok {
			r.of[name] = words
		}
	}
	return r
}

func (r *pairResults) add(t *testing.T, p pair, words string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[p.String()] = words
	if r.file == "" {
		return
	}
	f, err := os.OpenFile(r.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(f, "%s: %s\n", p, words)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

const pairsHead = `# Every published upgrade

Written by a test that lets the real Helm install each published chart on a real
API server, with a store of two servers, and then runs

    helm aistor upgrade --bundle F --operator-only       (operator charts)
    helm aistor upgrade --bundle F --object-store NS/S   (object store charts)

with a bundle made for nobody in particular. The operator itself is played by a
[stand-in](../test/aistor/README.md). There are two ways to end: the
installation is at the target and validated, or the upgrade was refused by name
and nothing on the cluster had changed. Anything else fails the test.

    + upgraded                    ! upgraded once the outage was accepted
    h through the intermediate version  H the same, with the outage accepted
    0-9 refused, see below        X neither: a surprise
    ? not tried in this run       · no upgrade
`

// write makes the document from what is known.
func (r *pairResults) write(t *testing.T, file string, all []pair) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	legend := &footnotes{}
	var b strings.Builder
	b.WriteString(pairsHead)
	tried, surprises, variants, recreated := 0, 0, 0, 0
	for _, p := range all {
		words := r.of[p.String()]
		if p.variant == "recreate" {
			variants++
			if strings.HasPrefix(words, "recreate") {
				recreated++
			}
		}
		switch words {
		case "":
		case surprise:
			surprises++
			fallthrough
		default:
			tried++
		}
	}
	fmt.Fprintf(&b, "\nOf %d upgrades %d were tried, with %d surprises.\n", len(all), tried, surprises)
	fmt.Fprintf(&b, "%d of %d pairs with an intermediate version also work with `--recreate-bindings`.\n", recreated, variants)
	for _, part := range []struct{ title, chart, variant string }{
		{"Operator charts", "operator", ""},
		{"Object store charts, with credentials in the values", "store", ""},
		{"Object store charts, with the charts' default credentials", "store", "defaults"},
	} {
		fmt.Fprintf(&b, "\n## %s\n\nFrom the row's version to the column's.\n\n", part.title)
		r.matrix(&b, legend, all, part.chart, part.variant)
	}
	b.WriteString("\n## Refused\n\n")
	for i, words := range legend.words {
		fmt.Fprintf(&b, "- %d: `%s`\n", i, strings.ReplaceAll(words, ", ", "`, `"))
	}
	b.WriteString("\n`chart-refuses-values` is the chart's own refusal of the present values, passed\non with the setting and what it wants.\n")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}

// matrix writes versions from above to below and from left to right, the
// columns' one part a line, so that it fits a terminal.
func (r *pairResults) matrix(b *strings.Builder, legend *footnotes, all []pair, chart, variant string) {
	versions := map[string]bool{}
	cells := map[string]string{}
	for _, p := range all {
		if p.chart == chart && p.variant == variant {
			versions[p.from], versions[p.to] = true, true
			cells[p.from+" "+p.to] = legend.letter(r.of[p.String()])
		}
	}
	list := slices.SortedFunc(maps.Keys(versions), compare)
	for part := range 3 {
		line := "          "
		for _, v := range list[1:] {
			line += fmt.Sprintf("%3s", strings.Split(v, ".")[part])
		}
		fmt.Fprintln(b, line)
	}
	for _, from := range list {
		if !slices.ContainsFunc(list, func(to string) bool { return cells[from+" "+to] != "" }) {
			continue
		}
		line := fmt.Sprintf("    %-6s", from)
		for _, to := range list[1:] {
			cell := cells[from+" "+to]
			if cell == "" {
				cell = "·"
			}
			line += fmt.Sprintf("%3s", cell)
		}
		fmt.Fprintln(b, line)
	}
}

// footnotes number the ways to be refused.
type footnotes struct{ words []string }

func (f *footnotes) letter(words string) string {
	refused, ok := strings.CutPrefix(words, "refused: ")
	if ok {
		if !slices.Contains(f.words, refused) {
			f.words = append(f.words, refused)
		}
		return fmt.Sprint(slices.Index(f.words, refused))
	}
	way, accepted, _ := strings.Cut(words, " after accepting ")
	letters := map[string][2]string{"": {"?", "?"}, "direct": {"+", "!"}, "hop": {"h", "H"}, "recreate": {"m", "M"}, surprise: {"X", "X"}}[way]
	if accepted != "" {
		return letters[1]
	}
	return letters[0]
}
