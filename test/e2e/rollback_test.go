package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// Helm takes the newest revision for what is installed, also one that a killed
// rollback left: it would compare the older manifest with itself, and leave
// what only the newer chart had brought. The same command leaves exactly what
// was there before the upgrade.
func TestKilledRollbackIsCompletedByTheSameCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=4")
	s.bundle("a.bundle", "5.10.0", "5.10.0", "1.0.16")
	before := s.owned()

	registry := []string{"--ca", s.env["PRIVATE_CA"], "--registry-user", s.env["PRIVATE_USER"], "--password-stdin"}
	s.withPassword("helm-aistor", append([]string{"upgrade", "--yes", "--bundle", "a.bundle"}, registry...)...)
	if s.owned() == before {
		t.Fatal("the upgrade changed no roles: there is nothing to leave behind")
	}

	back := append([]string{"rollback", "--yes", "--accept-risk", "team-a/primary"}, registry...)
	killed := s.killedAt(s.command("helm-aistor", back...), func(r *http.Request) bool {
		return r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/clusterroles/")
	})
	again := s.withPassword("helm-aistor", back...)
	if !strings.Contains(strings.Join(strings.Fields(again), " "), "delete revision 3 of aistor/aistor, an unfinished rollback") {
		t.Errorf("no rollback was cut off:\n%s\n%s", killed, again)
	}
	s.wantDeployed("aistor", "aistor", "aistor-operator-5.6.4")
	s.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.13")
	if after := s.owned(); after != before {
		t.Errorf("what the release owns after going back:\n%s\nbefore the upgrade:\n%s", after, before)
	}
	if got := s.run("helm", "get", "values", "primary", "-n", "team-a"); !strings.Contains(got, "planted-access-key") {
		t.Errorf("values were lost:\n%s", got)
	}
}

// owned are the cluster-wide objects and service accounts of the operator, with
// the roles of the bindings.
func (s *site) owned() string {
	s.t.Helper()
	roles := s.run("kubectl", "get", "clusterroles,clusterrolebindings,mutatingwebhookconfigurations", "-o",
		`jsonpath={range .items[?(@.metadata.annotations.meta\.helm\.sh/release-name=="aistor")]}{.kind}/{.metadata.name} {.roleRef.name}{"\n"}{end}`)
	accounts := s.run("kubectl", "get", "serviceaccounts,deployments,services", "-n", "aistor", "-o", "name")
	return roles + accounts
}

// withPassword runs a program that reads the registry's password.
func (s *site) withPassword(name string, args ...string) string {
	s.t.Helper()
	cmd := s.command(name, args...)
	cmd.Stdin = s.password()
	b, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, b)
	}
	return string(b)
}
