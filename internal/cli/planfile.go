package cli

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// readPlanFile reads the plan in a file; see [readPlan].
func readPlanFile(file string) (*plan.Plan, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading plan: %w", err)
	}
	return readPlan(file, b)
}

// readPlan reads a plan that was written with --out. Unknown fields are
// errors: they may be what a newer version wanted to be heeded.
func readPlan(file string, b []byte) (*plan.Plan, error) {
	var p plan.Plan
	if err := yaml.UnmarshalStrict(b, &p); err != nil || p.Kind != plan.KindPlan {
		return nil, withHint(fmt.Errorf("reading plan %q: it is not an %s", file, plan.KindPlan), "helm aistor plan --out writes one")
	}
	return &p, nil
}

// shellWord quotes an argument where a shell would change it.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
