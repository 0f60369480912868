package cli

import (
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Another flag may have read standard input first: an upgrade without the
// license would look as if none had been given.
func TestAnEmptyLicenseIsRefused(t *testing.T) {
	t.Parallel()
	streams, in, _, _ := genericiooptions.NewTestIOStreams()
	in.WriteString(" \n")
	o := &targetOptions{Program: &Program{IOStreams: streams}, licenseFile: "-"}
	_, err := o.buildInputsRequest(t.Context(), &target{}, &plan.Facts{}, plan.SiteRegistry{})
	if err == nil || !strings.Contains(describeError(err), "it is empty\nhint: ") {
		t.Errorf("error %v", err)
	}
}
