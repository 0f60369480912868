package e2e

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pair is one upgrade of one published chart.
type pair struct {
	chart    string // "operator" or "store"
	from, to string
	// variant is "" as installed by the documentation, "recreate" where the
	// intermediate version is declined, "defaults" where nobody gave credentials.
	variant string
}

func (p pair) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s-%s-to-%s-%s", p.chart, p.from, p.to, p.variant), "-")
}

// From every published chart to every newer one: the upgrade succeeds, or it is
// refused with the obstacle's name before anything changed. There is no third.
//
// AISTOR_PAIRS says how many are tried, or "all" (which takes hours), or
// "/PATTERN"; AISTOR_SEED chooses them. AISTOR_PAIRS_RESULTS names a file that
// remembers outcomes, so that a later run continues; AISTOR_PAIRS_TABLE one that
// gets them as a table.
func TestEveryPublishedPairIsUpgradedOrRefusedBeforehand(t *testing.T) {
	t.Parallel()
	dir, wanted := os.Getenv("AISTOR_CHARTS"), os.Getenv("AISTOR_PAIRS")
	if dir == "" || wanted == "" {
		t.Skip("AISTOR_CHARTS names no folder of published charts, or AISTOR_PAIRS no number of pairs")
	}
	all := pairsOf(t, dir)
	results := readPairs(t, os.Getenv("AISTOR_PAIRS_RESULTS"))
	chosen := slices.DeleteFunc(choosePairs(t, all, wanted), func(p pair) bool { return results.known(p) })
	t.Cleanup(func() {
		if file := os.Getenv("AISTOR_PAIRS_TABLE"); file != "" {
			results.write(t, file, all)
		}
	})
	// As many clusters as tests may run at once.
	parallel, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	sites := make(chan *pairSite, parallel)
	for range min(parallel, len(chosen)) {
		sites <- newPairSite(t, dir)
	}
	for _, p := range chosen {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			s := <-sites
			defer func() { sites <- s }()
			one := s.with(t)
			defer one.clear()
			defer func() {
				if t.Failed() {
					results.add(t, p, surprise)
				}
			}()
			began := time.Now()
			got := one.try(p)
			t.Logf("%s in %s", got, time.Since(began).Round(time.Second))
			if !t.Failed() {
				results.add(t, p, got.String())
			}
		})
	}
}

// pairsOf lists every pair of the published charts, with those that can be
// upgraded in a second way or from a second kind of installation.
func pairsOf(t *testing.T, dir string) []pair {
	t.Helper()
	var list []pair
	operators := versionsOf(t, dir, `^aistor(?:-objectstore)?-operator-(.*)\.tgz$`)
	for i, from := range operators {
		for _, to := range operators[i+1:] {
			list = append(list, pair{chart: "operator", from: from, to: to})
			if order("5.2.0", from) && order(from, "5.7.0") && from != "5.7.0" && order("5.9.0", to) {
				list = append(list, pair{chart: "operator", from: from, to: to, variant: "recreate"})
			}
		}
	}
	stores := versionsOf(t, dir, `^aistor-objectstore-(\d.*)\.tgz$`)
	for i, from := range stores {
		for _, to := range stores[i+1:] {
			list = append(list, pair{chart: "store", from: from, to: to})
			// From 1.0.15 on a chart is only installed with credentials.
			if order(from, "1.0.14") {
				list = append(list, pair{chart: "store", from: from, to: to, variant: "defaults"})
			}
		}
	}
	return list
}

func choosePairs(t *testing.T, all []pair, wanted string) []pair {
	t.Helper()
	if pattern, ok := strings.CutPrefix(wanted, "/"); ok {
		match := regexp.MustCompile(pattern)
		return slices.DeleteFunc(slices.Clone(all), func(p pair) bool { return !match.MatchString(p.String()) })
	}
	n, err := strconv.Atoi(wanted)
	if wanted == "all" {
		n, err = len(all), nil
	}
	if err != nil {
		t.Fatalf("AISTOR_PAIRS=%s: neither a number, nor /PATTERN, nor all", wanted)
	}
	seed, err := strconv.ParseUint(os.Getenv("AISTOR_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("AISTOR_SEED=%d", seed)
	chosen := slices.Clone(all)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen[:min(n, len(chosen))]
}

// versionsOf lists the versions of the charts whose file names match, oldest
// first.
func versionsOf(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	match, found := regexp.MustCompile(pattern), map[string]bool{}
	for _, f := range files {
		if m := match.FindStringSubmatch(f.Name()); m != nil {
			found[m[1]] = true
		}
	}
	if len(found) < 2 {
		t.Fatalf("AISTOR_CHARTS=%s holds %d charts that match %s", dir, len(found), pattern)
	}
	return slices.SortedFunc(maps.Keys(found), compare)
}

// order reports whether a is not newer than b.
func order(a, b string) bool { return compare(a, b) <= 0 }

func compare(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(version string) []int {
	var list []int
	for _, part := range strings.Split(version, ".") {
		n, _ := strconv.Atoi(part) // published versions are numbers
		list = append(list, n)
	}
	return list
}

// chartFile is where a chart lies; the operator's got its newer name at 5.2.0.
func chartFile(dir, chart, version string) string {
	name := "aistor-objectstore"
	if chart == "operator" {
		name = "aistor-operator"
		if !exists(filepath.Join(dir, name+"-"+version+".tgz")) {
			name = "aistor-objectstore-operator"
		}
	}
	return filepath.Join(dir, name+"-"+version+".tgz")
}

// outcome is how an upgrade ended: by which way it came there, or which checks
// refused it beforehand.
type outcome struct {
	way     string // "direct", "hop" or "recreate"; "" where refused
	accept  []string
	refused []string
}

func (o outcome) String() string {
	if o.way == "" {
		return "refused: " + strings.Join(o.refused, ", ")
	}
	if len(o.accept) > 0 {
		return o.way + " after accepting " + strings.Join(o.accept, ", ")
	}
	return o.way
}
