package planinput_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/valuecheck"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// storeOf upgrades store team-a/primary, whose release rendered a login.
func storeOf(t *testing.T, installed, user, password string) planinput.Request {
	t.Helper()
	r := upgradeRequest(t, pinnedValues())
	r.Options.StoresOnly = true
	r.Charts = []planinput.BundleChart{{Chart: loadChart(t, "objectstore-1.0.16")}}
	v, err := chart.ParseValues([]byte(installed))
	if err != nil {
		t.Fatal(err)
	}
	r.Facts.Releases = []plan.InstalledRelease{{
		Namespace: "team-a", Name: "primary", Chart: aistor.ObjectStoreChart, Version: "1.0.13", Status: "deployed", Revision: 1, Values: v,
		Manifest: "kind: ObjectStore\nmetadata: {name: primary}\nspec: {configuration: {name: env}}\n---\n" +
			"kind: Secret\nmetadata: {name: env}\nstringData:\n  config.env: |-\n    export MINIO_ROOT_USER=\"" + user + "\"\n    export MINIO_ROOT_PASSWORD=\"" + password + "\"\n",
	}}
	r.Facts.Stores = []plan.Store{{Namespace: "team-a", Name: "primary", Release: "primary"}}
	return r
}

// fromFile gives the store's values in a file.
func fromFile(t *testing.T, r planinput.Request, text string) planinput.Request {
	t.Helper()
	v, err := chart.ParseValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Stores = map[string]planinput.Values{"team-a/primary": {
		Files: []string{"store.yaml"}, UserValues: v, Sources: []values.Source{{Name: "store.yaml", Data: []byte(text)}}, Stdin: "helm aistor plan --store-values team-a/primary=-",
	}}
	return r
}

func TestGatherRefusesValuesThatAreNotFinalWhereverTheyComeFrom(t *testing.T) {
	t.Parallel()
	const good = "secrets: {accessKey: admin, secretKey: correct}\nobjectStore: {name: primary}\n"
	bad := strings.Replace(good, "correct", "'${ROOT_PASSWORD}'", 1)
	for name, tc := range map[string]struct {
		request func() planinput.Request
		want    string
	}{
		"a file": {func() planinput.Request { return fromFile(t, storeOf(t, good, "admin", "correct"), bad) },
			"\n  secrets.secretKey (store.yaml line 1) is an unreplaced variable"},
		"the release": {func() planinput.Request { return storeOf(t, bad, "admin", "correct") },
			"\n  secrets.secretKey is an unreplaced variable"},
		"the command line": {func() planinput.Request {
			r := storeOf(t, good, "admin", "correct")
			r.Stores = map[string]planinput.Values{"team-a/primary": {Sets: chart.SetFlags{Set: []string{"secrets.secretKey=<password>"}}}}
			return r
		}, "\n  secrets.secretKey (set on the command line) is a placeholder"},
		"the operator's": {func() planinput.Request {
			r := upgradeRequest(t, map[string]any{"license": "ref+vault://secret/aistor#license"})
			return r
		}, "\n  license is a reference that vals resolves"},
		"what a file replaced": {func() planinput.Request { return fromFile(t, storeOf(t, bad, "admin", "correct"), good) }, ""},
		"said to be literal": {func() planinput.Request {
			r := storeOf(t, bad, "admin", "correct")
			r.Options.LiteralValues = []string{"team-a/primary:secrets.secretKey"}
			return r
		}, ""},
		"literal for another": {func() planinput.Request {
			r := storeOf(t, bad, "admin", "correct")
			r.Options.LiteralValues = []string{"team-b/primary:secrets.secretKey"}
			return r
		}, "\n  secrets.secretKey is "},
	} {
		_, err := planinput.Gather(tc.request())
		var refused *valuecheck.NotFinalError
		if errors.As(err, &refused); tc.want == "" && err != nil || tc.want != "" && (refused == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: received %v, want %q", name, err, tc.want)
		}
	}
}

func TestNumericCredentialsAreNamedAndWhatQuotingDoes(t *testing.T) {
	t.Parallel()
	file := "secrets:\n  accessKey: 1234567890\n  secretKey: 123456789012\nobjectStore: {name: primary}\n"
	for name, tc := range map[string]struct{ user, password, want string }{
		"what runs is Helm's form": {"1.23456789e+09", "1.23456789012e+11", "the installed text is Helm's form of it: quoting it as it is written changes the root credentials of team-a/primary"},
		"what runs is as written":  {"1234567890", "123456789012", "quoting it as it is written keeps the root credentials of team-a/primary"},
		"what runs is another":     {"a", "b", "quoting it as it is written changes the root credentials of team-a/primary"},
	} {
		_, err := planinput.Gather(fromFile(t, storeOf(t, file, tc.user, tc.password), file))
		var refused *valuecheck.NotTextError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := err.Error() + "\n" + refused.Hint()
		for _, want := range []string{tc.want, "secrets.accessKey (store.yaml line 2) is a number", "secrets.secretKey (store.yaml line 3) is ", "incompatible types for comparison", "kubectl -n team-a get secret env -o yaml"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "123456789") || strings.Contains(text, "e+") {
			t.Errorf("%s: shows the login:\n%s", name, text)
		}
	}
}

func TestGatherRefusesCredentialsThatNoTextCanBe(t *testing.T) {
	t.Parallel()
	const good = "secrets: {accessKey: admin, secretKey: correct}\nobjectStore: {name: primary}\n"
	for name, tc := range map[string]struct{ password, want string }{
		"a map":                 {"{PASSWORD}", "secrets.secretKey (store.yaml line 1) is a map, "},
		"a list":                {"[x]", "secrets.secretKey (store.yaml line 1) is a list, "},
		"nothing":               {"null", "secrets.secretKey (store.yaml line 1) is nothing, "},
		"yes":                   {"yes", "secrets.secretKey (store.yaml line 1) is a word that YAML reads as true or false, which Helm renders in another form"},
		"Go's print of nothing": {"'%!s(<nil>)'", "secrets.secretKey (store.yaml line 1) is text with what a program prints"},
		"a line's end":          {"\"correct\\n\"", "secrets.secretKey (store.yaml line 1) is text with white space"},
	} {
		_, err := planinput.Gather(fromFile(t, storeOf(t, good, "admin", "correct"), strings.Replace(good, "correct", tc.password, 1)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: received %v, want %q", name, err, tc.want)
			continue
		}
		if strings.Contains(err.Error(), "PASSWORD") || strings.Contains(err.Error(), "correct") {
			t.Errorf("%s: shows the password: %v", name, err)
		}
	}
}

func TestLoginsInUseStayAsTheyAre(t *testing.T) {
	t.Parallel()
	const spaced = "secrets: {accessKey: admin, secretKey: \"correct \"}\nobjectStore: {name: primary}\n"
	r := fromFile(t, storeOf(t, "objectStore: {name: primary}\n", "admin", "correct "), spaced)
	if _, err := planinput.Gather(r); err != nil {
		t.Errorf("the live login is refused: %v", err)
	}
	if _, err := planinput.Gather(storeOf(t, spaced, "x", "y")); err != nil {
		t.Errorf("the release's own value is refused: %v", err)
	}
}

func TestTheHintOfASetFileTrimsIt(t *testing.T) {
	t.Parallel()
	r := storeOf(t, "secrets: {accessKey: admin, secretKey: correct}\nobjectStore: {name: primary}\n", "admin", "correct")
	file := filepath.Join(t.TempDir(), "pass word.txt")
	if err := os.WriteFile(file, []byte("rotated\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Stores = map[string]planinput.Values{"team-a/primary": {Sets: chart.SetFlags{File: []string{"secrets.secretKey=" + file}}}}
	_, err := planinput.Gather(r)
	var refused *valuecheck.NotFinalError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	command, _, _ := strings.Cut(refused.Hint(), " writes a file")
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", command, err, out)
	}
	if got, err := os.ReadFile(file + ".new"); err != nil || string(got) != "rotated" {
		t.Errorf("%q: wrote %q, %v", command, got, err)
	}
	if !strings.Contains(refused.Hint(), "--literal-value team-a/primary:secrets.secretKey") {
		t.Errorf("received %q", refused.Hint())
	}
}
