package preflight

import (
	"slices"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestCredentialsKept(t *testing.T) {
	t.Parallel()
	const login = "export MINIO_ROOT_USER=\"u\"\nexport MINIO_ROOT_PASSWORD=\"p\"\n"
	// A release that renders the login, and what the cluster holds.
	live := func(secrets ...plan.StoreSecret) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			docs := mustParseObjects(t, "{apiVersion: aistor.min.io/v1, kind: ObjectStore, metadata: {name: primary, namespace: tenant}, spec: {configuration: {name: env}}}",
				"{apiVersion: v1, kind: Secret, metadata: {name: env, namespace: tenant}, stringData: {config.env: \"export MINIO_ROOT_USER=u\\nexport MINIO_ROOT_PASSWORD=p\\n\"}}")
			s.Facts.Stores[0].Object = docs[0]
			c := &s.Inputs.Stores[0]
			c.Before, c.After = docs, docs
			s.Facts.StoreSecrets = secrets
		}
	}
	env := func(text string) plan.StoreSecret {
		return plan.StoreSecret{Namespace: "tenant", Name: "env", Present: true, Data: map[string]plan.Sensitive{"config.env": plan.Sensitive(text)}}
	}
	both := func(changes ...func(*testing.T, *Subject)) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			for _, change := range changes {
				change(t, s)
			}
		}
	}
	runCases(t, PreUpgradeChecks(), "credentials-kept", []checkCase{
		{name: "the login stays", want: Pass, change: live(env(login))},
		{name: "somebody edited it", want: Fail, line: "the root credentials of tenant/primary change: password", remedy: "--accept-credentials-change tenant/primary",
			change: live(env("MINIO_ROOT_USER=u\nMINIO_ROOT_PASSWORD=x\n"))},
		{name: "and that was accepted", want: Warn, line: "the root credentials of tenant/primary change",
			change: both(live(env("MINIO_ROOT_USER=u\nMINIO_ROOT_PASSWORD=x\n")), func(_ *testing.T, s *Subject) {
				s.Plan.Options.AcceptCredentials = []string{"tenant/primary"}
			})},
		{name: "it can't be read", want: Error, line: "the live Secret could not be read", remedy: "kubectl auth can-i get secrets/env -n tenant", change: live()},
		{name: "Helm would delete it", want: Fail, line: "would be deleted by Helm", remedy: "kubectl -n tenant annotate secret env helm.sh/resource-policy=keep",
			change: both(live(env(login)), func(_ *testing.T, s *Subject) {
				c := &s.Inputs.Stores[0]
				c.After = slices.Clone(c.After[:1])
			})},
	})
}
