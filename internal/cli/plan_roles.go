package cli

import (
	"fmt"
	"io"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// The names of the roles by which people look, and upgrade.
const (
	lookRole    = "aistor-upgrade-look"
	upgradeRole = "aistor-upgrade"
)

// writeRoles writes the roles that a plan takes as YAML for kubectl apply.
func writeRoles(w io.Writer, in plan.Inputs) error {
	roles := append(plan.RoleManifests(lookRole, in.Look()), plan.RoleManifests(upgradeRole, in.Rights())...)
	for i, r := range roles {
		b, err := message.YAML(r)
		if err != nil {
			return fmt.Errorf("writing roles: %w", err)
		}
		if i > 0 {
			line(w, "---")
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
