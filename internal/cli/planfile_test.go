package cli

import (
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestAPlanFileThatIsNoneSaysWhy(t *testing.T) {
	t.Parallel()
	const good = "apiVersion: " + plan.APIVersion + "\nkind: UpgradePlan\n"
	for name, tc := range map[string]struct{ file, want string }{
		"two documents":        {good + "---\nkind: UpgradePlan\n", `reading plan "p.yaml": line 4: a second YAML document begins, and exactly one is expected`},
		"an unknown field":     {good + "later: true\n", `unknown field "later"`},
		"no YAML":              {"{", "did not find expected node content"},
		"another kind":         {"apiVersion: " + plan.APIVersion + "\nkind: RollbackPlan\n", "received: kind \"RollbackPlan\"\nexpected: kind \"UpgradePlan\""},
		"an edited preflight":  {good + "preflight: {text: ready, ok: true, findings: [{check: disk, status: fail, message: full}]}\n", "its preflight was edited"},
		"nothing at all":       {"", "received: kind \"\""},
		"a plan":               {good, ""},
		"a plan and a comment": {good + "---\n# end\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := workflow.ReadPlan("p.yaml", []byte(tc.file))
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error: %v\nexpected: %s", err, tc.want)
			}
		})
	}
}
