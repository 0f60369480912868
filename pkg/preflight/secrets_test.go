package preflight

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// tenantSecret replaces the pull secret of namespace tenant.
func tenantSecret(change func(*plan.PullSecret)) func(*testing.T, *Subject) {
	return func(_ *testing.T, s *Subject) { change(&s.Facts.PullSecrets[1]) }
}

func secretContent(data []byte) func(*testing.T, *Subject) {
	return tenantSecret(func(p *plan.PullSecret) { p.Data = data })
}

// nodesPull says that no pull secret is used.
func nodesPull(_ *testing.T, s *Subject) {
	s.Plan.Registry.PullSecret = plan.PullSecretNone
	s.Inputs.Operator, s.Inputs.Stores = nil, nil
	s.Facts.Stores[0].ImagePullSecret = ""
}

// keepReferences leaves references public, with pull secrets for one registry.
func keepReferences(registry string) func(*testing.T, *Subject) {
	return func(_ *testing.T, s *Subject) {
		s.Plan.Registry.References = plan.ReferencesKeep
		for i := range s.Facts.PullSecrets {
			s.Facts.PullSecrets[i].Data = dockerConfig(map[string]string{registry: "puller:hunter2"})
		}
	}
}

func TestPullSecretsPresent(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "pull-secrets-present", []checkCase{
		{name: "in every namespace", want: Pass, line: "aistor, tenant"},
		{name: "missing where the store is", want: Fail, change: tenantSecret(func(p *plan.PullSecret) { *p = plan.PullSecret{Namespace: "tenant", Name: "pull"} }),
			line:   "secret tenant/pull, referenced by the values: does not exist, and 2 images are pulled there",
			remedy: "kubectl create secret docker-registry pull -n tenant --docker-server=" + private},
		{name: "one that nobody looked at", want: Error, line: "was not read", remedy: "kubectl get secret pull -n tenant",
			change: func(_ *testing.T, s *Subject) { s.Facts.PullSecrets = s.Facts.PullSecrets[:1] }},
		{name: "the nodes pull by themselves", want: Skip, change: nodesPull, line: "according to the site file"},
		{name: "another secret that a live store names", want: Fail, line: "secret tenant/other, referenced by object store tenant/primary",
			change: func(_ *testing.T, s *Subject) {
				s.Inputs.Stores, s.Facts.Stores[0].ImagePullSecret = nil, "other"
				s.Facts.PullSecrets = append(s.Facts.PullSecrets, plan.PullSecret{Namespace: "tenant", Name: "other"})
			}},
		{name: "without a plan a pod's second secret may be missing", want: Warn, line: "secret tenant/second",
			change: func(_ *testing.T, s *Subject) {
				s.Inputs, s.Plan = nil, nil
				s.Facts.Pods[1].PullSecrets = []string{"pull", "second"}
				s.Facts.PullSecrets = append(s.Facts.PullSecrets, plan.PullSecret{Namespace: "tenant", Name: "second"})
			}},
		{name: "a service account's secret counts where nothing else is named", want: Fail, line: "secret tenant/account, referenced by its service accounts",
			change: func(t *testing.T, s *Subject) {
				nodesPull(t, s)
				s.Plan.Registry.PullSecret = ""
				s.Facts.ServiceAccounts = []plan.ServiceAccount{{Namespace: "tenant", Name: "default", PullSecrets: []string{"account"}}}
				s.Facts.PullSecrets = append(s.Facts.PullSecrets, plan.PullSecret{Namespace: "tenant", Name: "account"})
			}},
		{name: "a chart that gives the operator none", want: Warn, line: "sets no pull secret for its pods", remedy: "global.operator.imagePullSecrets",
			change: func(_ *testing.T, s *Subject) {
				delete(images.NestedValue(s.Inputs.Operator[0].After[0], "spec", "template", "spec").(map[string]any), "imagePullSecrets")
			}},
	})
}

func TestPullSecretsValid(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "pull-secrets-valid", []checkCase{
		{name: "an entry for host and port", want: Pass},
		{name: "username and password without auth", want: Pass, change: secretContent([]byte(`{"auths":{"` + private + `":{"username":"a","password":"b"}}}`))},
		{name: "another type", want: Fail, change: tenantSecret(func(p *plan.PullSecret) { p.Type = "Opaque" }), observed: "Opaque", required: typeDockerConfigJSON,
			remedy: "kubectl delete secret pull -n tenant && kubectl create secret docker-registry pull -n tenant"},
		{name: "the older type is not looked into", want: Error, change: tenantSecret(func(p *plan.PullSecret) { p.Type = typeDockerCfg })},
		{name: "no content", want: Fail, change: secretContent(nil), line: "missing key .dockerconfigjson"},
		{name: "no JSON", want: Fail, change: secretContent([]byte("hunter2")), line: "is not a Docker config in JSON"},
		{name: "an auth that is no base64", want: Fail, change: secretContent([]byte(`{"auths":{"r":{"auth":"hunter2!"}}}`)), line: `the entry "r" has an auth that is not base64`},
		{name: "an entry without the port", want: Fail, change: secretContent(dockerConfig(map[string]string{"registry.example.com": "a:b"})),
			line: "has no entry for " + private, observed: "registry.example.com", required: private},
		{name: "only an identity token, which kubelet ignores", want: Fail, change: secretContent([]byte(`{"auths":{"` + private + `":{"identitytoken":"hunter2"}}}`)),
			line: "without username and password"},
		{name: "none exists", want: Skip, change: func(_ *testing.T, s *Subject) {
			s.Facts.PullSecrets[0].Present, s.Facts.PullSecrets[1].Present = false, false
		}},
		{name: "the nodes pull by themselves", want: Skip, change: nodesPull},
		{name: "references stay public and the secret names the private registry", want: Warn, change: keepReferences(private),
			line: "secret aistor/pull: has no entry for quay.io, and kubelet looks up the public name", observed: private, required: "quay.io",
			remedy: "kubectl create secret docker-registry pull -n aistor --docker-server=quay.io"},
		{name: "references stay public and the secret names the public registry", want: Pass, change: keepReferences("quay.io"), line: "2 pull secrets"},
		{name: "references stay public and the secret names a part of the public registry", want: Pass, change: keepReferences("quay.io/minio/aistor")},
		{name: "references stay public and the nodes pull by themselves", want: Skip, line: "nodes use their own registry credentials", change: func(t *testing.T, s *Subject) {
			keepReferences(private)(t, s)
			nodesPull(t, s)
		}},
		{name: "references stay public and there is no secret", want: Skip, line: "their own registry credentials", change: func(t *testing.T, s *Subject) {
			keepReferences(private)(t, s)
			s.Facts.PullSecrets[0].Present, s.Facts.PullSecrets[1].Present = false, false
		}},
	})
}
