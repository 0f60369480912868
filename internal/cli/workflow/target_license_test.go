package workflow

import (
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Another flag may have read standard input first: an upgrade without the
// license would look as if none had been given.
func TestAnEmptyLicenseIsRefused(t *testing.T) {
	t.Parallel()
	streams, in, _, _ := genericiooptions.NewTestIOStreams()
	in.WriteString(" \n")
	o := &TargetOptions{Program: &term.Program{IOStreams: streams}, licenseFile: "-"}
	_, err := o.buildInputsRequest(t.Context(), &Target{}, &plan.Facts{}, plan.SiteRegistry{})
	if err == nil || !strings.Contains(term.ErrorText(err), "it is empty\nhint: ") {
		t.Errorf("error %v", err)
	}
}
