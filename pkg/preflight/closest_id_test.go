package preflight

import (
	"strings"
	"testing"
)

func TestAMisspeltIDIsToldWhatWasMeant(t *testing.T) {
	t.Parallel()
	for id, meant := range map[string]string{
		"pull-secret-present": "pull-secrets-present", "licence": "license", "pulltest": CheckPullTest,
		"images": "images-present", "webhook": "webhook-ready", "something-else-entirely": "",
	} {
		r := Run(t.Context(), PreUpgradeChecks(), nil, Options{Only: []string{id}})
		if len(r.Results) != 1 || r.Results[0].Status != Error {
			t.Fatalf("%s: %+v", id, r.Results)
		}
		said := strings.Contains(r.Results[0].Message, "did you mean "+meant)
		if (meant != "") != strings.Contains(r.Results[0].Message, "did you mean") || (meant != "" && !said) {
			t.Errorf("%s: received %q, expected %q", id, r.Results[0].Message, meant)
		}
	}
}
