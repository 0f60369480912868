package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

func TestOnlyWhatAVerbChecksCanBeChosen(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"validate --only nodes-ready":    `selecting check "nodes-ready": it belongs to preflight, not to validate`,
		"validate --skip nodes-ready":    `selecting check "nodes-ready"`,
		"preflight --only image-ids":     `selecting check "image-ids": it belongs to validate, not to preflight`,
		"validate --timeout 5m":          "--timeout 5m0s requires --watch",
		"status --timeout 5m":            "--timeout 5m0s requires --watch",
		"validate --list --only image-i": "",
		// Before anything is asked of a cluster.
		"preflight --only Nodes-Ready":         `selecting check "Nodes-Ready": unknown check "Nodes-Ready"; did you mean nodes-ready?`,
		"preflight --skip budget":              `did you mean budgets?`,
		"preflight --waive licence=x":          `did you mean license?`,
		"preflight --only ,":                   `selecting check "": unknown check ""`,
		"preflight --bundle b --plan /no/plan": "reading plan: open /no/plan: no such file",
		"validate --only image-i":              `selecting check "image-i"`,
		"validate --waive nothing=x":           `selecting check "nothing"`,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			p := clitest.NewProgram(t)
			code := p.Run(t.Context(), NewKubectl(p), strings.Fields(args))
			errs := p.ErrOut.(*bytes.Buffer).String()
			if wantCode := map[bool]int{true: term.ExitOK, false: term.ExitError}[want == ""]; code != wantCode || !strings.Contains(errs, want) {
				t.Errorf("exit %d with %q, want %q", code, errs, want)
			}
		})
	}
}
