package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// pairSite is a cluster on which one installation after another is upgraded.
type pairSite struct {
	*site
	dir string // of the published charts
	// tried numbers the namespaces, so that what the last one left behind
	// meets nothing.
	tried *atomic.Int64
	// operator is the release that stays between stores, "" where there is none.
	operator *string
	ns       string
}

func newPairSite(t *testing.T, charts string) *pairSite {
	t.Helper()
	s := &pairSite{site: newSite(t, "STANDIN_CONFIGMAPDELAY=1"), dir: charts, tried: &atomic.Int64{}, operator: new(string)}
	refs := map[string]bool{}
	for _, v := range versionsOf(t, charts, `^aistor(?:-objectstore)?-operator-(.*)\.tgz$`) {
		text := s.run("helm", "template", "aistor", chartFile(charts, "operator", v), "-n", "aistor")
		for _, ref := range regexp.MustCompile(`quay\.io/minio/[a-z0-9/-]+:[A-Za-z0-9.-]+`).FindAllString(text, -1) {
			refs[ref] = true
		}
	}
	var images []string
	for ref := range refs {
		images = append(images, "--image", ref)
	}
	s.run("aistor-fixtures", append([]string{"push", "--registry", s.env["UPSTREAM_REGISTRY"], "--plain-http"}, images...)...)
	s.run("aistor-fixtures", append([]string{"push", "--registry", s.env["PRIVATE_REGISTRY"], "--mapped", "--ca", s.env["PRIVATE_CA"],
		"--user", s.env["PRIVATE_USER"], "--password-file", s.env["PRIVATE_PASSWORD_FILE"]}, images...)...)
	s.namespace("aistor")
	return s
}

// with returns the same cluster for another test.
func (s *pairSite) with(t *testing.T) *pairSite {
	inner, outer := *s.site, *s
	inner.t, outer.site = t, &inner
	outer.ns = fmt.Sprintf("team-%d", s.tried.Add(1))
	return &outer
}

// namespace makes one with the pull secret that an administrator would have made.
func (s *pairSite) namespace(name string) {
	s.t.Helper()
	password, err := os.ReadFile(s.env["PRIVATE_PASSWORD_FILE"])
	if err != nil {
		s.t.Fatal(err)
	}
	auth := base64.StdEncoding.EncodeToString([]byte(s.env["PRIVATE_USER"] + ":" + string(bytes.TrimSpace(password))))
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, s.env["PRIVATE_REGISTRY"], auth)
	s.api("POST", "/api/v1/namespaces", fmt.Sprintf(`{"metadata":{"name":%q}}`, name))
	s.api("POST", "/api/v1/namespaces/"+name+"/secrets", fmt.Sprintf(
		`{"metadata":{"name":"private-repo-pull-secret"},"type":"kubernetes.io/dockerconfigjson","stringData":{".dockerconfigjson":%q}}`, config))
}

// try installs what the pair begins with, upgrades it and says how that ended.
func (s *pairSite) try(p pair) outcome {
	s.t.Helper()
	s.namespace(s.ns)
	target, flags := []string{chartFile(s.dir, p.chart, p.to)}, []string{"--operator-only", "--accept-restart", s.ns + "/primary"}
	if p.chart == "operator" {
		s.install(p.from, storeChartFor(p.from), false)
	} else {
		newest := "5.10.0"
		s.install(newest, p.from, p.variant == "defaults")
		target, flags = append(target, chartFile(s.dir, "operator", newest)), []string{"--object-store", s.ns + "/primary"}
	}
	if p.variant == "recreate" {
		flags = append(flags, "--recreate-bindings")
	}
	bundle := s.bundle(p.chart+"-"+p.to, target)
	before := s.state()
	out, code := s.upgrade("upgrade", bundle, append(slices.Clip(flags), "--yes", "--stabilization-period", "2s"))
	if code == 0 {
		s.wantUpgraded(p, out)
		return outcome{way: way(out)}
	}
	s.wantSame(before, out)
	got := outcome{refused: s.refusals(p, bundle, flags, out)}
	if !slices.Equal(got.refused, []string{"accept-downtime"}) {
		return got
	}
	// What is left after the outage was accepted counts.
	flags = append(flags, "--accept-downtime", s.ns+"/primary")
	out, code = s.upgrade("upgrade", bundle, append(slices.Clip(flags), "--yes", "--stabilization-period", "2s"))
	if code == 3 {
		s.wantSame(before, out)
		return outcome{refused: s.refusals(p, bundle, flags, out)}
	}
	if code != 0 {
		s.t.Fatalf("exit %d after the outage was accepted\n%s", code, out)
	}
	s.wantUpgraded(p, out)
	return outcome{way: way(out), accept: got.refused}
}

// refusals are what forbade an upgrade, by their IDs: of the plan, and of the
// checks. An error before there was a plan has none.
func (s *pairSite) refusals(p pair, bundle string, flags []string, out string) []string {
	s.t.Helper()
	var ids []string
	if text, code := s.upgrade("plan", bundle, append(slices.Clip(flags), "-o", "json")); code == 0 || code == 3 {
		for _, m := range regexp.MustCompile(`(?s)"refusals": \[(.*?)\n  \]`).FindAllString(text, 1) {
			for _, id := range regexp.MustCompile(`"id": "([a-z-]+)"`).FindAllStringSubmatch(m, -1) {
				ids = append(ids, id[1])
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^✗ (?:fail +)?([a-z-]+):`).FindAllStringSubmatch(out, -1) {
		ids = append(ids, m[1])
	}
	if strings.HasPrefix(out, "error: preparing release ") && strings.Contains(out, "\nexpected: ") {
		ids = append(ids, "chart-refuses-values")
	}
	if len(ids) == 0 {
		s.t.Fatalf("%s was neither upgraded nor refused by name\n%s", p, out)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// storeChartFor is an object store chart that goes with an operator.
func storeChartFor(operator string) string {
	if order("5.2.0", operator) {
		return "1.0.13"
	}
	return "1.0.7" // newer ones set fields that older definitions don't know
}

// install lets the real Helm install both charts. The operator's stays where it
// is installed already.
func (s *pairSite) install(operator, store string, defaults bool) {
	s.t.Helper()
	if *s.operator != operator {
		s.removeOperator()
		values := filepath.Join(s.site.dir, "operator.yaml")
		s.write(values, fmt.Sprintf(operatorValues, testLicense(), s.env["PRIVATE_REGISTRY"], operatorSecrets(operator)))
		s.run("helm", "install", "aistor", chartFile(s.dir, "operator", operator), "-n", "aistor", "-f", values)
		*s.operator = operator
		s.until("the operator is available", func() bool {
			all := s.list("/apis/apps/v1/namespaces/aistor/deployments")
			return len(all) > 1 && !slices.ContainsFunc(all, func(d object) bool { return d.number("status", "availableReplicas") == 0 }) &&
				s.has("/apis/aistor.min.io/v1/objectstores")
		})
	}
	values := filepath.Join(s.site.dir, "store.yaml")
	if defaults {
		s.write(values, storeValues)
	} else {
		s.write(values, storeCredentials+storeValues)
	}
	// A definition is served a moment before Helm finds it among all others.
	s.until("the store is installed", func() bool {
		out, err := s.command("helm", "install", "primary", chartFile(s.dir, "store", store), "-n", s.ns, "-f", values).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "no matches for kind") {
			s.t.Fatalf("helm install: %v\n%s", err, out)
		}
		return err == nil
	})
	s.until("the store is green", func() bool {
		return s.api("GET", "/apis/aistor.min.io/v1/namespaces/"+s.ns+"/objectstores/primary", "").text("status", "healthStatus") == "green"
	})
}

const operatorValues = `license: %s
repositories:
  aistor: &private
    hostname: %[2]s
    pathPrefix: aistor/
    imagePullSecrets: [{name: private-repo-pull-secret}]
  minio:
    hostname: %[2]s
    pathPrefix: minio/
    imagePullSecrets: [{name: private-repo-pull-secret}]
global: {operator: {imagePullSecrets: %[3]s}}
`

// operatorSecrets is how a version wants to be told the operators' pull secrets:
// before 4.1.1 as a text that holds JSON, and nothing else.
func operatorSecrets(version string) string {
	if order("4.1.1", version) {
		return "[{name: private-repo-pull-secret}]"
	}
	return `'[{"name":"private-repo-pull-secret"}]'`
}

const storeCredentials = `secrets: {accessKey: planted-access-key, secretKey: planted-secret-key}
`

const storeValues = `objectStore:
  name: primary
  imagePullSecret: {name: private-repo-pull-secret}
  pools: [{name: pool-0, servers: 2, volumesPerServer: 1, size: 1Gi}]
`

// testLicense is a token of the right form, signed by nobody.
func testLicense() string {
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"lab","org":"lab","plan":"ENTERPRISE","lid":"1","exp":4102444800}`))
	return "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9." + payload + ".c2lnbmF0dXJl"
}

func (s *pairSite) write(file, text string) {
	s.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// bundle makes one for nobody in particular: with every intermediate version.
func (s *pairSite) bundle(name string, charts []string) string {
	s.t.Helper()
	file := filepath.Join(s.site.dir, name+".bundle")
	if exists(file) {
		return file
	}
	args := []string{"bundle", "create", file, "--platform", "linux/amd64", "--mirror", "quay.io=" + s.env["UPSTREAM_REGISTRY"] + "/quay.io",
		"--registry-plain-http", s.env["UPSTREAM_REGISTRY"]}
	for _, c := range charts {
		args = append(args, "--chart", c)
	}
	s.run("helm-aistor", args...)
	return file
}

// upgrade runs a verb of the plugin and returns what it wrote and its exit code.
func (s *pairSite) upgrade(verb, bundle string, flags []string) (string, int) {
	s.t.Helper()
	args := []string{verb, "--bundle", bundle, "--ca", s.env["PRIVATE_CA"], "--registry-user", s.env["PRIVATE_USER"], "--password-stdin"}
	cmd := s.command("helm-aistor", append(args, flags...)...)
	cmd.Stdin = s.password()
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// state is all that a refusal must leave as it was.
func (s *pairSite) state() string {
	s.t.Helper()
	var out strings.Builder
	for _, path := range []string{
		"/apis/apps/v1/deployments", "/apis/apps/v1/statefulsets", "/apis/aistor.min.io/v1/objectstores", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
		"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "/api/v1/secrets?labelSelector=owner%3Dhelm",
	} {
		for _, o := range s.list(path) {
			if ns := o.text("metadata", "namespace"); strings.HasPrefix(o.text("metadata", "name"), "system:") || ns != "" && ns != "aistor" && ns != s.ns {
				continue
			}
			// Roles have no generation; Helm's secrets show their status as a label.
			fmt.Fprintln(&out, path, o.text("metadata", "name"), o.text("metadata", "uid"), o.number("metadata", "generation"), o.text("metadata", "labels", "status"))
		}
	}
	return out.String()
}

func (s *pairSite) wantSame(before, out string) {
	s.t.Helper()
	if after := s.state(); after != before {
		s.t.Errorf("refused, but something changed\nbefore:\n%s\nafter:\n%s\n%s", before, after, out)
	}
}

func (s *pairSite) wantUpgraded(p pair, out string) {
	s.t.Helper()
	namespace, release, kept := "aistor", "aistor", testLicense()
	if p.chart == "store" {
		namespace, release, kept = s.ns, "primary", "planted-access-key"
	} else {
		*s.operator = ""
		if !s.has("/api/v1/namespaces/aistor/secrets/minio-license") {
			s.t.Error("no license is left")
		}
	}
	if p.variant == "defaults" {
		kept = "pool-0"
	}
	deployed := s.list("/api/v1/namespaces/" + namespace + "/secrets?labelSelector=status%3Ddeployed,name%3D" + release)
	if len(deployed) != 1 {
		s.t.Fatalf("%d deployed revisions of %s\n%s", len(deployed), release, out)
	}
	r := releaseIn(s.t, deployed[0])
	if got := r.text("chart", "metadata", "version"); got != p.to {
		s.t.Errorf("chart %s is deployed\n%s", got, out)
	}
	if values := fmt.Sprint(r["config"]); !strings.Contains(values, kept) {
		s.t.Errorf("values were lost: %s", values)
	}
	if !strings.Contains(out, "the installation is valid") {
		s.t.Errorf("nothing validated it:\n%s", out)
	}
}

// clear removes what was installed for one pair. The operator stays only where
// it runs as it was installed, for the next store.
func (s *pairSite) clear() {
	s.t.Helper()
	store := "/apis/aistor.min.io/v1/namespaces/" + s.ns + "/objectstores/primary"
	s.api("DELETE", store, "")
	s.api("DELETE", "/api/v1/namespaces/"+s.ns, "")
	s.until("the store is gone", func() bool { return !s.has(store) })
	if *s.operator == "" || s.t.Failed() {
		s.removeOperator()
	}
}

// removeOperator deletes all that any version of the operator's chart brings.
func (s *pairSite) removeOperator() {
	s.t.Helper()
	*s.operator = ""
	own := func(o object) bool {
		return o.text("metadata", "annotations", "meta.helm.sh/release-name") == "aistor" || strings.HasPrefix(o.text("metadata", "name"), "aistor")
	}
	for _, path := range []string{
		"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "/apis/apps/v1/namespaces/aistor/deployments",
		"/api/v1/namespaces/aistor/services", "/api/v1/namespaces/aistor/configmaps", "/api/v1/namespaces/aistor/serviceaccounts",
		"/apis/coordination.k8s.io/v1/namespaces/aistor/leases", "/apis/rbac.authorization.k8s.io/v1/namespaces/aistor/roles",
		"/apis/rbac.authorization.k8s.io/v1/namespaces/aistor/rolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/api/v1/namespaces/aistor/secrets",
	} {
		for _, o := range s.list(path) {
			name := o.text("metadata", "name")
			if own(o) || strings.HasPrefix(name, "sh.helm.release.") || strings.HasPrefix(name, "object-store") {
				base, _, _ := strings.Cut(path, "?")
				s.api("DELETE", base+"/"+name+"?propagationPolicy=Background", "")
			}
		}
	}
	s.until("nothing of the operator is left", func() bool {
		return len(s.list("/api/v1/namespaces/aistor/pods")) == 0 && len(s.list("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")) == 0
	})
}

// way tells how an upgrade went from its table of steps.
func way(out string) string {
	switch steps := regexp.MustCompile(`(?m)^operator-\S+ +done`).FindAllString(out, -1); {
	case regexp.MustCompile(`(?m)^recreate-bindings-\S+ +done`).MatchString(out):
		return "recreate"
	case len(steps) > 1:
		return "hop"
	default:
		return "direct"
	}
}
