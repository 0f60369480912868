package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// A name that no object has is refused before anything is asked, with the flag
// and the rule.
func TestFlagsRefuseNamesThatNoObjectHas(t *testing.T) {
	t.Parallel()
	const label, subdomain = "RFC 1123 label", "RFC 1123 subdomain"
	for _, tc := range []struct {
		plugin     func(*term.Program) *cobra.Command
		args, rule string
	}{
		{NewKubectl, "status -n Team_A", label},
		{NewKubectl, "status -n team.a", "must not contain dots"},
		{NewKubectl, "images -n -team", label},
		{NewKubectl, "preflight --pull-secret Pull_Secret", subdomain},
		{NewKubectl, "export --pull-secret a..b", subdomain},
		{NewKubectl, "validate --endpoint team-a/Primary=https://s3.example.com", subdomain},
		{NewKubectl, "preflight --object-store team-a/Primary", subdomain},
		{NewKubectl, "preflight --store-values Team/primary=f.yaml", label},
		{NewHelm, "plan --bundle b -n Team_A", label},
		{NewHelm, "plan --bundle b --pull-secret secret/name", subdomain},
		{NewHelm, "plan --bundle b --object-store team_a/primary", label},
		{NewHelm, "plan --bundle b --object-store /primary", label},
		{NewHelm, "plan --bundle b --object-store team-a/", subdomain},
		{NewHelm, "plan --bundle b --object-store team-a/primary/x", subdomain},
		{NewHelm, "plan --bundle b --accept-restart team-a/prim_ary", subdomain},
		{NewHelm, "plan --bundle b --accept-downtime team-a/prim_ary", subdomain},
		{NewHelm, "plan --bundle b --accept-credentials-change TEAM/primary", label},
		{NewHelm, "plan --bundle b --accept-volume-change team-a/Data-0", subdomain},
		{NewHelm, "plan --bundle b --literal-value team-a/Primary:secrets.secretKey", subdomain},
		{NewHelm, "plan --bundle b --set Team/primary:a=b", label},
		{NewHelm, "plan --bundle b --set-file team-a/Primary:a=f", subdomain},
		{NewHelm, "plan --bundle b -o roles --role-prefix a/b", "may not contain '/'"},
		{NewHelm, "plan --bundle b -o roles --role-serviceaccount kube_system:x", label},
		{NewHelm, "plan --bundle b -o roles --role-serviceaccount kube-system:X", subdomain},
		{NewHelm, "upgrade --bundle b --yes --store-values team-a/Primary=f.yaml", subdomain},
		{NewHelm, "rollback --object-store Team/primary", label},
		{NewHelm, "rollback --accept-risk Team/primary", label},
		{NewHelm, "rollback --to team-a/" + strings.Repeat("a", 54) + "=3", "no more than 53"},
		{NewHelm, "values --object-store team-a/Primary", subdomain},
		{NewHelm, "values --operator -f f --pull-secret A", subdomain},
	} {
		code, out, errOut := runAgainst(t, "/nowhere", tc.plugin, strings.Fields(tc.args)...)
		if code != term.ExitError || out != "" || !strings.HasPrefix(errOut, "error: reading --") || !strings.Contains(errOut, " is not a name of a") ||
			!strings.Contains(errOut, tc.rule) || !strings.Contains(errOut, "\nhint: ") {
			t.Errorf("%s: exit code %d\n%s%s", tc.args, code, out, errOut)
		}
	}
}

func TestFlagsTakeNamesThatObjectsHave(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"export --pull-secret none", "export --pull-secret my.secret-1", "images -n team-a", "export --pull-secret=",
	} {
		if _, _, errOut := runAgainst(t, "/nowhere", NewKubectl, strings.Fields(args)...); strings.Contains(errOut, "is not a name of") {
			t.Errorf("%s: %s", args, errOut)
		}
	}
	for _, args := range []string{
		"plan --bundle b --object-store team-a/primary.v2 --set operator:a=b --set team-a/primary:a=B/c --literal-value operator:secrets.a/B",
		"values --operator -f f --set a=B/c:d --literal-value a/B:c", "bundle create b --store-values X/Y.yaml --literal-value A/B",
		"plan --bundle b -o roles --role-prefix site:prod --role-user Carol@example.com",
	} {
		if _, _, errOut := runAgainst(t, "/nowhere", NewHelm, strings.Fields(args)...); strings.Contains(errOut, "is not a name of") {
			t.Errorf("%s: %s", args, errOut)
		}
	}
}

// A flag that comes later and takes a name is not forgotten.
func TestEveryFlagThatTakesANameIsChecked(t *testing.T) {
	t.Parallel()
	always, stores := option.FlagNames(), option.StoreFlags()
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			says := strings.Contains(f.Usage, "NAMESPACE/") || strings.Contains(f.Usage, "NAMESPACE:") || strings.HasPrefix(f.Usage, "Secret ") || strings.HasPrefix(f.Usage, "namespace ")
			if says && always[f.Name] == nil && stores[f.Name] == nil {
				t.Errorf("%s --%s (%s) is not checked", cmd.CommandPath(), f.Name, f.Usage)
			}
		})
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	p := &term.Program{Getenv: func(string) string { return "" }}
	visit(NewHelm(p))
	visit(NewKubectl(p))
}
