package preflight

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func bindingDoc(role string) string {
	return `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: aistor-object-store}, roleRef: {kind: ClusterRole, name: ` + role + `}}`
}

// addConflictingBinding installs the binding whose role changes between 5.6.4 and 5.9.0.
func addConflictingBinding(t *testing.T, s *Subject) {
	c := &s.Inputs.Operator[0]
	c.From.Version = "5.6.4"
	c.Before = append(c.Before, mustParseObject(t, bindingDoc("aistor-objectstore")))
	c.After = append(c.After, mustParseObject(t, bindingDoc("aistor-object-store")))
	s.Facts.Bindings = append(s.Facts.Bindings, plan.Binding{ObjectKey: plan.ObjectKey{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding", Name: "aistor-object-store"},
		RoleKind: "ClusterRole", RoleName: "aistor-objectstore", Release: "aistor/aistor"})
}

func TestRoleRefImmutable(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "roleref-immutable", []checkCase{
		{name: "the same roles", want: Pass},
		{name: "a role changes in place", want: Fail, change: addConflictingBinding, observed: "ClusterRole/aistor-objectstore", required: "ClusterRole/aistor-object-store",
			line:   "clusterrolebinding aistor-object-store: chart aistor-operator-5.10.0 changes its role",
			remedy: "kubectl delete clusterrolebinding aistor-object-store"},
		{name: "a step deletes the binding first", want: Pass, details: []string{"the plan deletes the binding first"},
			change: func(t *testing.T, s *Subject) {
				addConflictingBinding(t, s)
				s.Plan.Steps = append(s.Plan.Steps, plan.Step{Action: plan.ActionRecreateBindings, Objects: []plan.ObjectKey{{Kind: "ClusterRoleBinding", Name: "aistor-object-store"}}})
			}},
		{name: "an intermediate version removes the binding first", want: Pass, details: []string{"intermediate version aistor-operator-5.8.0"},
			change: func(t *testing.T, s *Subject) {
				addConflictingBinding(t, s)
				last := s.Inputs.Operator[0]
				stone := last
				stone.To, stone.Intermediate = plan.ChartRef{Name: "aistor-operator", Version: "5.8.0"}, true
				stone.After = mustParseObjects(t, operatorDocs(oldOp)...)
				last.From, last.Before = stone.To, stone.After
				s.Inputs.Operator = []plan.Change{stone, last}
			}},
		{name: "without a bundle", want: Skip, change: func(_ *testing.T, s *Subject) { s.Inputs = nil }},
	})
}

func TestOwnership(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "ownership", []checkCase{
		{name: "all of the own release", want: Pass, line: "4 rendered objects"},
		{name: "a definition of another release", want: Fail, line: "belongs to old/minio", required: "aistor/aistor", remedy: "helm list -A --all --filter minio",
			change: func(_ *testing.T, s *Subject) { s.Facts.CRDs[0].Release = "old/minio" }},
		{name: "a license made by hand", want: Fail, line: "secret aistor/minio-license: exists and belongs to nobody",
			remedy: "remove the license from the values of release aistor/aistor",
			change: func(_ *testing.T, s *Subject) { s.Facts.License.Release = "" }},
		{name: "a license that nobody could look at", want: Error, line: "secret aistor/minio-license: could not be read", remedy: "kubectl auth can-i get secrets -n aistor",
			change: func(_ *testing.T, s *Subject) { s.Facts.License = nil }},
		{name: "a license that is not there yet", want: Pass, change: func(_ *testing.T, s *Subject) {
			s.Facts.License.Release, s.Facts.License.Present = "", false
		}},
		{name: "a binding made by hand", want: Fail, line: "clusterrolebinding aistor-op", remedy: "kubectl annotate clusterrolebinding aistor-op --overwrite meta.helm.sh/release-name=aistor",
			change: func(_ *testing.T, s *Subject) { s.Facts.Bindings[0].Release = "" }},
	})
}

func TestCRDRemoval(t *testing.T) {
	t.Parallel()
	drop := func(keep bool) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			c := &s.Inputs.Operator[0]
			c.After = c.After[:len(c.After)-1]
			if !keep {
				crd := strings.Replace(crdDoc(), "helm.sh/resource-policy: keep", "", 1)
				c.Before = append(c.Before[:len(c.Before)-1:len(c.Before)-1], mustParseObject(t, crd))
			}
		}
	}
	runCases(t, PreUpgradeChecks(), "crd-removal", []checkCase{
		{name: "nothing goes", want: Pass},
		{name: "the stores' definition goes", want: Fail, change: drop(false), line: "CRD objectstores.aistor.min.io", remedy: "keep the operator"},
		{name: "a definition that the installed chart keeps", want: Pass, change: drop(true)},
		{name: "an annotation put on by hand does not help", want: Fail, change: func(t *testing.T, s *Subject) {
			drop(false)(t, s)
			s.Facts.CRDs[0].Keep = true
		}},
		{name: "the store is renamed", want: Fail, line: "object store tenant/primary: the upgrade of tenant/primary", remedy: "objectStore.name: primary",
			change: func(t *testing.T, s *Subject) {
				s.Inputs.Stores[0].After = mustParseObjects(t, strings.Replace(storeDoc(""), "name: primary", "name: other", 1))
			}},
	})
}

func TestLicenseRemoval(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "license-removal", []checkCase{
		{name: "the license stays", want: Pass},
		{name: "the values forgot it", want: Fail, line: "secret aistor/minio-license", remedy: "--license-file",
			change: func(_ *testing.T, s *Subject) {
				c := &s.Inputs.Operator[0]
				c.After = append(c.After[:4:4], c.After[5:]...)
			}},
		{name: "the operator is not changed", want: Skip, change: func(_ *testing.T, s *Subject) { s.Inputs.Operator = nil }},
	})
}

func TestCRDFields(t *testing.T) {
	t.Parallel()
	target := func(fields ...string) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			c := &s.Inputs.Operator[0]
			c.After = append(c.After[:len(c.After)-1:len(c.After)-1], mustParseObject(t, crdDoc(fields...)))
		}
	}
	live := func(spec string) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			s.Facts.Stores[0].Object = mustParseObject(t, storeDoc(spec))
			s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(spec))
		}
	}
	runCases(t, PreUpgradeChecks(), "crd-fields", []checkCase{
		{name: "every field is known", want: Pass, line: "chart aistor-operator-5.10.0"},
		{name: "a rendered field would be dropped", want: Warn, change: target("firewall"), observed: "spec.rollingTimeoutSeconds"},
		{name: "a live value would be lost", want: Fail, line: "does not know spec.firewall, and the value would be lost",
			change: func(t *testing.T, s *Subject) {
				target("rollingTimeoutSeconds")(t, s)
				live(`, firewall: {enabled: true}`)(t, s)
			}},
		{name: "an intermediate version would lose it", want: Fail, line: "chart aistor-operator-5.7.0 does not know spec.firewall",
			change: func(t *testing.T, s *Subject) {
				live(`, firewall: {enabled: true}`)(t, s)
				stone := s.Inputs.Operator[0]
				stone.Intermediate, stone.To.Version = true, "5.7.0"
				stone.After = mustParseObjects(t, crdDoc("rollingTimeoutSeconds"))
				s.Inputs.Operator = []plan.Change{stone, s.Inputs.Operator[0]}
			}},
		{name: "a field that the store's own chart gives up", want: Pass, change: func(t *testing.T, s *Subject) {
			s.Facts.Stores[0].Object = mustParseObject(t, storeDoc(`, features: {sftp: true}`))
			s.Inputs.Stores[0].Before = mustParseObjects(t, storeDoc(`, features: {sftp: true}`))
		}},
		{name: "a field that somebody set by hand", want: Fail, line: "spec.features", change: func(t *testing.T, s *Subject) {
			s.Facts.Stores[0].Object = mustParseObject(t, storeDoc(`, features: {sftp: true}`))
		}},
		{name: "an empty value is no loss", want: Pass, change: live(`, features: {}, encryption: {a: {b: []}}`)},
		{name: "a field of a list's element", want: Warn, observed: "spec.pools[0].new",
			change: func(t *testing.T, s *Subject) {
				doc := strings.Replace(storeDoc(""), "servers: 4", "servers: 4, new: 1", 1)
				s.Inputs.Stores[0].After = mustParseObjects(t, doc)
			}},
		{name: "the installed CRD where no chart has one", want: Warn, line: "the installed CRD does not know",
			change: func(t *testing.T, s *Subject) {
				s.Inputs.Operator = nil
				s.Facts.CRDs[0].Object = mustParseObject(t, crdDoc())
			}},
		{name: "no definition to be seen", want: Error, change: func(_ *testing.T, s *Subject) { s.Inputs.Operator, s.Facts.CRDs = nil, nil }},
	})
}

func TestOperatorImage(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "operator-image", []checkCase{
		{name: "the chart's own", want: Pass},
		{name: "a pin that stayed behind", want: Fail, observed: oldOp, required: newOp, line: "deployment aistor/object-store-operator", remedy: "images.operator in my-values.yaml",
			change: func(t *testing.T, s *Subject) {
				c := &s.Inputs.Operator[0]
				c.ValuesFiles = []string{"my-values.yaml"}
				c.After[0] = mustParseObject(t, strings.Replace(operatorDocs(newOp)[0], "operator:"+newOp, "operator:"+oldOp, 1))
			}},
		{name: "a FIPS build of the same release", want: Pass, change: func(t *testing.T, s *Subject) {
			s.Inputs.Operator[0].After[0] = mustParseObject(t, strings.Replace(operatorDocs(newOp)[0], "operator:"+newOp, "operator:"+newOp+".fips", 1))
		}},
	})
}

func TestLicense(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	live := func(tok string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) { s.Inputs, s.Facts.License.Token = nil, plan.Sensitive(tok) }
	}
	runCases(t, PreUpgradeChecks(), "license", []checkCase{
		{name: "rendered and valid", want: Pass, line: "valid until 2027-10-06, 400 days", details: []string{"plan ENTERPRISE, read from the values of release aistor/aistor"}},
		{name: "installed and valid", want: Pass, change: live(licenseToken(100 * day)), details: []string{"secret aistor/minio-license"}},
		{name: "expires soon", want: Warn, change: live(licenseToken(20 * day)), line: "20 days from now"},
		{name: "in its grace period", want: Fail, change: live(licenseToken(-10 * day)), line: "10 days ago: object stores become read-only"},
		{name: "read-only", want: Fail, change: live(licenseToken(-40 * day)), line: "read-only"},
		{name: "no access", want: Fail, change: live(licenseToken(-300 * day)), line: "no access"},
		{name: "the base64 of the token", want: Fail, change: live(base64.StdEncoding.EncodeToString([]byte(licenseToken(100 * day)))), line: "is base64-encoded", remedy: "base64 -d"},
		{name: "no token at all", want: Fail, change: live("hello"), observed: "unreadable"},
		{name: "none", want: Fail, change: live(""), line: "contains no license"},
		{name: "not looked at", want: Error, change: func(_ *testing.T, s *Subject) { s.Inputs, s.Facts.License = nil, nil }},
		{name: "data instead of stringData", want: Pass, change: func(t *testing.T, s *Subject) {
			s.Inputs.Operator[0].After[4] = mustParseObject(t, `{apiVersion: v1, kind: Secret, metadata: {name: minio-license}, data: {minio.license: `+base64.StdEncoding.EncodeToString([]byte(licenseToken(90*day)))+`}}`)
		}},
	})
}
