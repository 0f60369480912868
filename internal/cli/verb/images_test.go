package verb

import (
	"slices"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

func TestMissingImagesIncludeThoseThatCouldNotBeChecked(t *testing.T) {
	t.Parallel()
	d := &imagesDocument{}
	for name, present := range map[string]string{"has": preflight.PresentYes, "lacks": preflight.PresentNo, "failed": preflight.PresentUnknown, "no-registry": ""} {
		d.Items = append(d.Items, imageDocument{Image: name, RegistryStatus: preflight.RegistryStatus{Present: present}})
	}
	d.dropPresent()
	got := d.Names()
	slices.Sort(got)
	if want := []string{"failed", "lacks", "no-registry"}; !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}
