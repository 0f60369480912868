package verb

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Prefixes of the names of generated roles. Those of a namespace owner have
// another one, so that applying them never replaces the administrator's.
const (
	rolePrefix      = "aistor-upgrade"
	ownerRolePrefix = "aistor-upgrade-owner"
)

// roleOptions say how generated roles are called and who holds them.
type roleOptions struct {
	prefix                         string
	users, groups, serviceAccounts []string
}

func (o *roleOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.prefix, "role-prefix", "", "prefix of the names of -o roles (default "+rolePrefix+", with --stores-only "+ownerRolePrefix+")")
	fs.StringArrayVar(&o.users, "role-user", nil, "bind the roles of -o roles to this user; repeat for several")
	fs.StringArrayVar(&o.groups, "role-group", nil, "bind the roles of -o roles to this group; repeat for several")
	fs.StringArrayVar(&o.serviceAccounts, "role-serviceaccount", nil, "bind the roles of -o roles to this service account, as NAMESPACE:NAME; repeat for several")
}

// complete reads the subjects. format is that of the output.
func (o *roleOptions) complete(format string) ([]plan.Subject, error) {
	var list []plan.Subject
	for _, name := range o.users {
		list = append(list, plan.Subject{Kind: "User", Name: name})
	}
	for _, name := range o.groups {
		list = append(list, plan.Subject{Kind: "Group", Name: name})
	}
	for _, s := range o.serviceAccounts {
		namespace, name, ok := strings.Cut(s, ":")
		if !ok || namespace == "" || name == "" {
			return nil, fmt.Errorf("reading --role-serviceaccount %q: expected NAMESPACE:NAME", s)
		}
		list = append(list, plan.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: name})
	}
	for _, s := range list {
		if s.Name == "" {
			return nil, fmt.Errorf("reading subjects of roles: a %s has no name", strings.ToLower(s.Kind))
		}
	}
	if format != "roles" && (o.prefix != "" || len(list) > 0) {
		return nil, term.WithHint(fmt.Errorf("reading --role-*: no roles are written"), "add -o roles")
	}
	return list, nil
}

// write writes the roles that a plan takes as YAML for kubectl apply, with what
// makes them stronger than they look.
func (o *roleOptions) write(w io.Writer, in plan.Inputs, subjects []plan.Subject) error {
	prefix := o.prefix
	if prefix == "" {
		prefix = rolePrefix
		if in.Facts != nil && in.Facts.Namespace != "" {
			prefix = ownerRolePrefix
		}
	}
	rights := in.WritePermissions()
	for _, note := range plan.Strengths(rights) {
		term.PrintLine(w, "# %s", option.WrapText(note, 77, "# "))
	}
	roles := append(plan.RoleManifests(prefix+"-read", in.ReadPermissions(), subjects...), plan.RoleManifests(prefix, rights, subjects...)...)
	for i, r := range roles {
		b, err := message.YAML(r)
		if err != nil {
			return fmt.Errorf("writing roles: %w", err)
		}
		if i > 0 {
			term.PrintLine(w, "---")
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
