package verb

import (
	"context"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
)

// readBundleVersions reads the bundle of --bundle; nil without one.
func (o *statusOptions) readBundleVersions(ctx context.Context) (*display.BundleVersions, error) {
	if o.bundle == "" {
		return nil, nil
	}
	b, err := workflow.OpenBundle(ctx, o.bundle, o.NewClientFactory(o.Program))
	if err != nil {
		return nil, err
	}
	defer b.Close()
	out := &display.BundleVersions{Name: o.bundle}
	m := b.Manifest()
	for _, c := range m.Charts {
		switch {
		case c.Intermediate:
			out.Intermediates = append(out.Intermediates, c.Version)
		case c.Role == bundle.RoleOperator:
			out.Operator = c.Version
		case c.Role == bundle.RoleObjectStore:
			out.Stores = c.Version
		}
	}
	for _, i := range m.Images {
		for _, r := range i.Reasons {
			if i.Ref.Base() == "minio" && strings.HasSuffix(r.Chart, "-"+out.Operator) {
				out.Minio = i.Ref.Tag
			}
		}
	}
	return out, nil
}
