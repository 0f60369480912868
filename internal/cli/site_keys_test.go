package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

func TestMistypedKeysOfASiteFileAreNamed(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: upgrade.aistor.dev/v1alpha1\nkind: Site\n"
	for name, tc := range map[string]struct{ text, want string }{
		"a letter": {head + "registri:\n  registry: r.example.com\n", "it has keys that no site has:\n  line 3: registri (did you mean registry?)"},
		"several": {head + "registry:\n  registry: r.example.com\n  pulSecret: x\nplattforms: [linux/amd64]\nobjectStores:\n- namespace: a\n  store: b\n- namespce: a\n  store: c\n  valueFile: x.yaml\n",
			"it has keys that no site has:\n  line 5: registry.pulSecret (did you mean registry.pullSecret?)\n  line 6: plattforms (did you mean platforms?)\n" +
				"  line 10: objectStores.1.namespce (did you mean objectStores.1.namespace?)\n  line 12: objectStores.1.valueFile (did you mean objectStores.1.valuesFile?)"},
		"in another place":  {head + "pullSecret: x\n", "it has keys that no site has:\n  line 3: pullSecret (did you mean registry.pullSecret?)"},
		"nothing like it":   {head + "# comment\nxyzzyplugh:\n  a: b\n", "it has keys that no site has:\n  line 4: xyzzyplugh"},
		"in JSON":           {`{"apiVersion": "upgrade.aistor.dev/v1alpha1", "kind": "Site", "operater": {}}`, "it has keys that no site has:\n  line 1: operater (did you mean operator?)"},
		"a waiver":          {head + "\"waivers\":\n- check: a\n  raeson: b\n", "it has keys that no site has:\n  line 5: waivers.0.raeson (did you mean waivers.0.reason?)"},
		"a second document": {head + "---\nkind: Site\n", "line 4: a second YAML document begins"},
		"names": {head + "registry: {registry: r.example.com, pullSecret: Pull_Secret}\noperator:\n  namespace: AIStor\nobjectStores:\n- namespace: team-a\n  store: a/b\n",
			"it has names that no object has:\n  line 3: registry.pullSecret \"Pull_Secret\" is not a name of a Secret: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "site.yaml")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, _, errOut := runAgainst(t, "/nowhere", NewHelm, "plan", "--bundle", "b", "--site", file)
			if code != term.ExitError || !strings.HasPrefix(errOut, "error: reading site file \""+file+"\": ") || !strings.Contains(errOut, tc.want) {
				t.Errorf("exit code %d (-want +got):\n%s", code, cmp.Diff(tc.want, errOut))
			}
		})
	}
}
