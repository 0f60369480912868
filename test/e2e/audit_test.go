package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// right is one thing that somebody may do, or did.
type right struct{ verb, group, resource, namespace, name string }

func (r right) String() string {
	s := r.verb + " " + r.resource
	if r.group != "" {
		s += "." + r.group
	}
	if r.name != "" {
		s += "/" + r.name
	}
	if r.namespace != "" {
		s += " in " + r.namespace
	}
	return s
}

// covers reports whether a granted right is the one that was used.
func (r right) covers(used right) bool {
	return r.verb == used.verb && r.group == used.group && r.resource == used.resource &&
		(r.namespace == "" || r.namespace == used.namespace) && (r.name == "" || r.name == used.name)
}

// unused says what a right is for that a smooth upgrade doesn't use; it is
// empty where nothing is.
func (r right) unused(used []right) string {
	created := slices.ContainsFunc(used, func(u right) bool {
		return u.verb == "create" && u.group == r.group && u.resource == r.resource && u.namespace == r.namespace
	})
	switch {
	case r.verb == "patch" && created:
		return "what one run made the next one finds, where the first stopped half way"
	case r.verb == "delete" && r.resource == "secrets":
		return "Helm deletes its oldest record once there are more than --max-history"
	case r.verb == "list" && r.resource == "resourcequotas":
		return "quotas are looked into where one is full, and there is none"
	}
	return ""
}

// The roles that a plan writes are what it takes, and no more: the API server
// itself writes down what somebody with these roles alone asks for from the
// first look to the last.
func TestTheRolesOfAPlanAreWhatItUses(t *testing.T) {
	t.Parallel()
	s := newSiteOn(t, []string{"--audit"})
	// Without a intermediate version two bindings are deleted on the way.
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=2")
	s.bundle("a.bundle", "5.10.0", "5.10.0", "1.0.16")
	s.run("aistor-fixtures", "push", "--registry", s.env["PRIVATE_REGISTRY"], "--mapped", "--ca", s.env["PRIVATE_CA"],
		"--user", s.env["PRIVATE_USER"], "--password-file", s.env["PRIVATE_PASSWORD_FILE"], "--only", "5.10.0")
	before := s.heldByCharts()
	granted := s.grant("carol", s.run("helm-aistor", "plan", "--bundle", "a.bundle", "-o", "roles"))

	login := []string{"--ca", s.env["PRIVATE_CA"], "--registry-user", s.env["PRIVATE_USER"], "--password-stdin"}
	as := func(flag string, program string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		cmd := s.command(program, append(args, flag, "carol")...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = s.password(), &out, &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out.String())
		}
	}
	kubectl, helm := "kubectl-aistor_upgrade", "helm-aistor"
	as("--as", kubectl, "export")
	as("--as", kubectl, append([]string{"preflight", "--bundle", "a.bundle"}, login...)...)
	as("--kube-as-user", helm, "plan", "--bundle", "a.bundle")
	as("--kube-as-user", helm, append([]string{"upgrade", "--yes", "--bundle", "a.bundle"}, login...)...)
	as("--as", kubectl, append([]string{"validate"}, login[:2]...)...)
	as("--as", kubectl, "status")

	used := s.audited("carol")
	if len(used) < 50 {
		t.Fatalf("only %d different requests were written down", len(used))
	}
	held := append(before, s.heldByCharts()...)
	for _, g := range granted {
		if !slices.ContainsFunc(used, g.covers) && g.unused(used) == "" && !slices.Contains(held, right{verb: g.verb, group: g.group, resource: g.resource}) {
			t.Errorf("granted and never used: %s", g)
		}
	}
	for _, u := range used {
		if !slices.ContainsFunc(granted, func(g right) bool { return g.covers(u) }) {
			t.Errorf("used and not granted: %s", u)
		}
	}
}

// heldByCharts are the rights that the roles of the installed releases grant,
// which whoever writes these roles must hold as well.
func (s *site) heldByCharts() []right {
	s.t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Annotations map[string]string }
			Rules    []struct{ Verbs, APIGroups, Resources []string }
		}
	}
	if err := json.Unmarshal([]byte(s.run("kubectl", "get", "clusterroles,roles", "-A", "-o", "json")), &list); err != nil {
		s.t.Fatal(err)
	}
	var rights []right
	for _, role := range list.Items {
		if role.Metadata.Annotations["meta.helm.sh/release-name"] == "" {
			continue
		}
		for _, rule := range role.Rules {
			for _, verb := range rule.Verbs {
				for _, group := range rule.APIGroups {
					for _, resource := range rule.Resources {
						rights = append(rights, right{verb: verb, group: group, resource: resource})
					}
				}
			}
		}
	}
	return rights
}

// grant applies roles and binds them all to a user. It returns what they hold,
// name by name.
func (s *site) grant(user, roles string) []right {
	s.t.Helper()
	file := s.write("roles.yaml", roles)
	s.run("kubectl", "apply", "-f", file)
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Rules    []struct{ Verbs, APIGroups, Resources, ResourceNames []string }
		}
	}
	if err := json.Unmarshal([]byte(s.run("kubectl", "get", "-f", file, "-o", "json")), &list); err != nil {
		s.t.Fatal(err)
	}
	var rights []right
	for _, role := range list.Items {
		kind := strings.ToLower(role.Kind)
		bind := []string{"create", kind + "binding", user + "-" + role.Metadata.Name, "--" + kind + "=" + role.Metadata.Name, "--user=" + user}
		if role.Metadata.Namespace != "" {
			bind = append(bind, "-n", role.Metadata.Namespace)
		}
		s.run("kubectl", bind...)
		for _, rule := range role.Rules {
			names := rule.ResourceNames
			if len(names) == 0 {
				names = []string{""}
			}
			for _, verb := range rule.Verbs {
				for _, resource := range rule.Resources {
					for _, name := range names {
						rights = append(rights, right{verb, rule.APIGroups[0], resource, role.Metadata.Namespace, name})
					}
				}
			}
		}
	}
	return rights
}

// audited are the different requests that a user made for objects, as the API
// server wrote them down. What everybody may ask, such as for one's own rights,
// is left out; what was refused is an error.
func (s *site) audited(user string) []right {
	s.t.Helper()
	f, err := os.Open(filepath.Join(s.env["LAB_STATE"], "audit.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var used []right
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Stage, Verb      string
			ImpersonatedUser struct{ Username string }
			ObjectRef        *struct{ APIGroup, Resource, Subresource, Namespace, Name string }
			Annotations      map[string]string
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.ImpersonatedUser.Username != user || e.ObjectRef == nil {
			continue
		}
		o := e.ObjectRef
		if o.APIGroup == "authorization.k8s.io" || o.APIGroup == "authentication.k8s.io" {
			continue
		}
		r := right{e.Verb, o.APIGroup, o.Resource, o.Namespace, o.Name}
		if o.Subresource != "" {
			r.resource += "/" + o.Subresource
		}
		if !slices.Contains(used, r) {
			if e.Annotations["authorization.k8s.io/decision"] == "forbid" {
				s.t.Errorf("refused: %s", r)
			}
			used = append(used, r)
		}
	}
	if err := lines.Err(); err != nil {
		s.t.Fatal(fmt.Errorf("reading what the API server wrote down: %w", err))
	}
	return used
}
