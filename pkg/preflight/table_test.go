package preflight

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkCase is one row: what is changed about a subject that passes, and what
// a check must then say.
type checkCase struct {
	name   string
	change func(t *testing.T, s *Subject)
	want   Status
	// line is part of the message, observed and required are part of these.
	line, observed, required string
	// details are parts of single lines of the details.
	details []string
	remedy  string
}

// runCases runs the rows of one check. It asks for at least one row that
// passes and one that does not, and that every finding can be acted upon.
func runCases(t *testing.T, checks []Check, id string, cases []checkCase) {
	t.Helper()
	i := slices.IndexFunc(checks, func(c Check) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("no check %q", id)
	}
	seen := map[Status]bool{}
	for _, c := range cases {
		seen[c.want] = true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := readySubject(t)
			if c.change != nil {
				c.change(t, s)
			}
			if s.Inputs != nil {
				fillImages(t, s.Inputs.Operator)
				fillImages(t, s.Inputs.Stores)
			}
			runCase(t, checks[i], s, c)
		})
	}
	if !seen[Pass] || !(seen[Fail] || seen[Warn] || seen[Error]) {
		if id != "releases-helm4" {
			t.Errorf("the rows of %s show no pass, or nothing but passes", id)
		}
	}
}

// fillImages gives changes the images that they render.
func fillImages(t *testing.T, changes []plan.Change) {
	for i := range changes {
		found, err := images.DiscoverRendered(changes[i].After)
		if err != nil {
			t.Fatal(err)
		}
		if changes[i].Images == nil {
			changes[i].Images = found
		}
	}
}

func runCase(t *testing.T, check Check, s *Subject, c checkCase) {
	t.Helper()
	r := Run(t.Context(), []Check{check}, s, Options{}).Results[0]
	if r.Status != c.want {
		t.Fatalf("status: received %s, expected %s\n%s\n%s", r.Status, c.want, r.Message, strings.Join(r.Details, "\n"))
	}
	for _, p := range [][3]string{{"message", r.Message, c.line}, {"observed", r.Observed, c.observed}, {"required", r.Required, c.required}, {"remedy", r.Remedy, c.remedy}} {
		if !strings.Contains(p[1], p[2]) {
			t.Errorf("%s: received %q, expected it to hold %q", p[0], p[1], p[2])
		}
	}
	for _, d := range c.details {
		if !slices.ContainsFunc(r.Details, func(line string) bool { return strings.Contains(line, d) }) {
			t.Errorf("no detail holds %q:\n%s", d, strings.Join(r.Details, "\n"))
		}
	}
	if r.Message == "" {
		t.Error("the result says nothing")
	}
	for _, secret := range []string{"hunter2", "eyJhbGci", "ZXlKaGJHY2k"} {
		if strings.Contains(fmt.Sprintf("%+v", r), secret) {
			t.Errorf("the result holds the secret %s", secret)
		}
	}
}

func TestEveryCheckPassesOnAReadyInstallation(t *testing.T) {
	t.Parallel()
	for _, list := range [][]Check{PreUpgradeChecks(), PostUpgradeChecks()} {
		r := Run(t.Context(), list, readySubject(t), Options{FailOnWarn: true})
		for _, one := range r.Results {
			if one.Status != Pass && one.ID != "kes" { // the fixture's store has no KES
				t.Errorf("%s: received %s, expected pass: %s", one.ID, one.Status, one.Message)
			}
		}
		if !r.OK() {
			t.Errorf("verdict: %s", r.Verdict)
		}
	}
}

// Without a bundle what is running is judged, and what needs a bundle says so.
func TestWithoutABundleChecksPassOrSayWhyTheySkip(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	s.Inputs, s.Plan = nil, nil
	s.Site.Registry, s.Site.PullSecret = private, "pull"
	for _, list := range [][]Check{PreUpgradeChecks(), PostUpgradeChecks()} {
		for _, one := range Run(t.Context(), list, s, Options{}).Results {
			if (one.Status != Pass && one.Status != Skip) || one.Message == "" {
				t.Errorf("%s: received %s (%s)", one.ID, one.Status, one.Message)
			}
		}
	}
}

// A check nothing must not pass: an empty cluster has none of what AIStor is.
func TestNothingPassesOnEmptyFactsThatNeedsThem(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	*s.Facts = *emptyFacts()
	for _, list := range [][]Check{PreUpgradeChecks(), PostUpgradeChecks()} {
		for _, one := range Run(t.Context(), list, s, Options{}).Results {
			switch one.ID {
			case "workloads-healthy", "stores-healthy", "stores-green", "webhook-ready", "rollout-complete", "images-as-asked", "image-ids",
				"releases-found", "nodes-ready", "pull-secrets-present", "cluster-reachable", "crds-established", "services-endpoints":
				if one.Status == Pass {
					t.Errorf("%s passes on an empty cluster: %s", one.ID, one.Message)
				}
			}
		}
	}
}

// A gap in what a check needs is never a pass.
func TestAGapIsAnErrorInEveryCheckThatNeedsIt(t *testing.T) {
	t.Parallel()
	for _, list := range [][]Check{PreUpgradeChecks(), PostUpgradeChecks()} {
		for _, c := range list {
			for _, resource := range c.Needs {
				s := readySubject(t)
				s.Facts.Gaps = append(s.Facts.Gaps, gapIn(resource))
				r := Run(t.Context(), []Check{c}, s, Options{}).Results[0]
				if r.Status != Error || !strings.Contains(r.Message, resource+" in tenant") {
					t.Errorf("%s with a gap in %s: received %s: %s", c.ID, resource, r.Status, r.Message)
				}
				if diff := cmp.Diff("kubectl auth can-i list "+strings.NewReplacer("releases", "secrets", "journals", "configmaps").Replace(resource)+" -n tenant", r.Remedy); diff != "" {
					t.Errorf("%s: remedy (-expected +received):\n%s", c.ID, diff)
				}
			}
		}
	}
}

// What could not be listed is not missing: a check that finds nothing there
// says that it could not look, and nothing else.
func TestWhatCouldNotBeListedIsNotSaidToBeMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id, resource string
		lose         func(*plan.Facts)
	}{
		{"operator-service", "services", func(f *plan.Facts) { f.Services = nil }},
		{"operator-service", "endpointslices", func(f *plan.Facts) { f.Services[0].Ready = 0 }},
		{"webhook-ready", "mutatingwebhookconfigurations", func(f *plan.Facts) { f.Webhooks = nil }},
		{"webhook-ready", "endpointslices", func(f *plan.Facts) { f.Services[1].Ready = 0 }},
		{"releases-found", "releases", func(f *plan.Facts) { f.Operator = nil }},
		{"releases-found", "releases", func(f *plan.Facts) { f.Releases = nil }},
		{"releases-deployed", "releases", func(f *plan.Facts) { f.Operator, f.Releases = nil, nil }},
		{"crds-established", "customresourcedefinitions", func(f *plan.Facts) { f.CRDs = nil }},
		{"services-endpoints", "services", func(f *plan.Facts) { f.Services = nil }},
		{"services-endpoints", "endpointslices", func(f *plan.Facts) { f.Services[0].Ready = 0 }},
		{"rollout-complete", "deployments", func(f *plan.Facts) { f.Workloads = nil }},
		{"rollout-complete", "pods", func(f *plan.Facts) { f.Workloads, f.Pods = nil, nil }},
		{"rollout-complete", "statefulsets", func(f *plan.Facts) { f.Workloads = f.Workloads[:1] }},
		{"references-private", "pods", func(f *plan.Facts) { f.Pods = nil }},
		{"images-as-asked", "pods", func(f *plan.Facts) { f.Pods = nil }},
		{"image-ids", "pods", func(f *plan.Facts) { f.Pods = nil }},
		{"kes", "pods", func(f *plan.Facts) { f.Stores[0].KES = true }},
	} {
		t.Run(c.id+" without "+c.resource, func(t *testing.T) {
			t.Parallel()
			found := false
			for _, check := range slices.Concat(PreUpgradeChecks(), PostUpgradeChecks()) {
				if check.ID != c.id || check.Phase != PhaseAfter && c.id == "references-private" {
					continue
				}
				found = true
				s := readySubject(t)
				c.lose(s.Facts)
				s.Facts.Gaps = []plan.Gap{{Subject: c.resource + " in tenant", Cause: "the server is away"}}
				r := Run(t.Context(), []Check{check}, s, Options{}).Results[0]
				if r.Status != Error || !strings.Contains(r.Message, c.resource+" in tenant could not be read: the server is away") {
					t.Errorf("%s: received %s: %s", check.Phase, r.Status, r.Message)
				}
			}
			if !found {
				t.Error("there is no such check")
			}
		})
	}
}

// What could not be listed is not said to be needless either.
func TestWhatCouldNotBeListedIsNotSkipped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id, gap string
		lose    func(*Subject)
	}{
		{"pull-secrets-valid", "pods", func(s *Subject) { s.Facts.Pods, s.Facts.Stores, s.Site.PullSecret = nil, nil, "" }},
		{"pull-secrets-valid", "secrets tenant/pull", func(s *Subject) { s.Facts.PullSecrets = nil }},
		{"pull-secrets-valid", "serviceaccounts", func(s *Subject) { withoutSecretNames(s) }},
		{"pull-secrets-accepted", "pods", func(s *Subject) { s.Facts.Pods, s.Facts.Stores, s.Site.PullSecret = nil, nil, "" }},
		{"pull-secrets-accepted", "serviceaccounts", func(s *Subject) { withoutSecretNames(s) }},
		{"pull-secrets-accepted", "releases", func(s *Subject) { s.Registry, s.Puller, s.Site.Registry = nil, nil, "" }},
		{"images-present", "pods", func(s *Subject) { s.Facts.Pods = nil }},
		{"images-present", "releases", func(s *Subject) { s.Registry, s.Puller, s.Site.Registry = nil, nil, "" }},
		{"license", "secrets aistor/minio-license", func(s *Subject) { s.Facts.Operator, s.Facts.License = nil, nil }},
		{"operator-service", "releases", func(s *Subject) { s.Facts.Operator = nil }},
	} {
		t.Run(c.id+" without "+c.gap, func(t *testing.T) {
			t.Parallel()
			check := PreUpgradeChecks()[slices.IndexFunc(PreUpgradeChecks(), func(b Check) bool { return b.ID == c.id })]
			s := readySubject(t)
			s.Inputs, s.Plan = nil, nil
			s.Site.Registry, s.Site.PullSecret = private, "pull"
			c.lose(s)
			gap := plan.Gap{Subject: c.gap, Cause: "the server is away"}
			s.Facts.Gaps = []plan.Gap{gap}
			if r := Run(t.Context(), []Check{check}, s, Options{}).Results[0]; r.Status != Error {
				t.Errorf("received %s: %s", r.Status, r.Message)
			}
		})
	}
}

// withoutSecretNames leaves only service accounts to name pull secrets.
func withoutSecretNames(s *Subject) {
	s.Site.PullSecret, s.Facts.Stores[0].ImagePullSecret = "", ""
	for i := range s.Facts.Pods {
		s.Facts.Pods[i].PullSecrets = nil
	}
}

func emptyFacts() *plan.Facts { return &plan.Facts{} }

func gapIn(resource string) plan.Gap {
	return plan.Gap{Subject: resource + " in tenant", Cause: "forbidden", Denied: true}
}
