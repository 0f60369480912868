package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkCredentials says which object stores get another root login, KES
// configuration, encryption key or certificate, and asks that this was
// accepted. It shows none of them.
func checkCredentials(_ context.Context, s *Subject) Result {
	var f findings
	for _, c := range s.Inputs.CredentialChanges() {
		k := plan.ObjectKey{Kind: "ObjectStore"}
		k.Namespace, k.Name, _ = strings.Cut(c.Store, "/")
		status := Fail
		switch accepted := slices.Contains(s.planOptions().AcceptCredentials, c.Store); {
		case c.Outcome == plan.CredentialMissing:
		case accepted:
			status = Warn
		case c.Outcome == plan.CredentialUnknown:
			status = Error
		}
		f.addFinding(status, k, "%s", c).setDetails("", "", c.Remedy())
	}
	return f.buildResult("every object store keeps its root login, keys and certificates")
}
