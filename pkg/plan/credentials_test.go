package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// objectsOf are the objects of a YAML manifest.
func objectsOf(t *testing.T, manifest string) []images.Object {
	t.Helper()
	var list []images.Object
	for doc := range strings.SplitSeq(manifest, "\n---\n") {
		var o images.Object
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		if len(o) > 0 {
			list = append(list, o)
		}
	}
	return list
}

const plainStore = "kind: ObjectStore\nmetadata: {name: primary}\nspec: {configuration: {name: env}}\n"

// configSecret is the Secret of older charts; newer ones write data, and quote
// and end lines in another way.
func configSecret(user, password string) string {
	return fmt.Sprintf("kind: Secret\nmetadata: {name: env}\nstringData:\n  config.env: |-\n    export MINIO_ROOT_USER=%q\n    export MINIO_ROOT_PASSWORD=%q\n", user, password)
}

func joinDocs(docs ...string) string { return strings.Join(docs, "\n---\n") }

func liveConfig(text string) StoreSecret {
	return StoreSecret{Namespace: "team-a", Name: "env", Present: true, Data: map[string]Sensitive{"config.env": Sensitive(text)}}
}

const liveEnv = "export MINIO_ROOT_USER=\"planted-user\"\nexport MINIO_ROOT_PASSWORD=\"planted-password\"\n"

func TestCredentialChangesAreFound(t *testing.T) {
	t.Parallel()
	was := joinDocs(plainStore, configSecret("planted-user", "planted-password"))
	rootCreds := "kind: ObjectStore\nmetadata: {name: primary}\nspec:\n  env:\n  - {name: MINIO_ROOT_USER, valueFrom: {secretKeyRef: {name: primary-root-creds, key: MINIO_ROOT_USER}}}\n" +
		"  - {name: MINIO_ROOT_PASSWORD, valueFrom: {secretKeyRef: {name: primary-root-creds, key: MINIO_ROOT_PASSWORD}}}\n"
	rootSecret := "kind: Secret\nmetadata: {name: primary-root-creds}\nstringData: {MINIO_ROOT_USER: planted-user, MINIO_ROOT_PASSWORD: %s}\n"
	kes := "kind: ObjectStore\nmetadata: {name: primary}\nspec: {configuration: {name: env}, kes: {kesSecret: {name: kes-configuration}}}\n"
	kesSecret := "kind: Secret\nmetadata: {name: kes-configuration}\nstringData:\n  server-config.yaml: |\n%s"
	liveKES := StoreSecret{Namespace: "team-a", Name: "kes-configuration", Present: true,
		Data: map[string]Sensitive{"server-config.yaml": Sensitive("keystore:\n  vault: {token: a}\n")}}
	tls := "kind: ObjectStore\nmetadata: {name: primary}\nspec: {configuration: {name: env}, certificates: {server: [{name: %s, type: kubernetes.io/tls}]}}\n"
	cert := func(name, key string) StoreSecret {
		return StoreSecret{Namespace: "team-a", Name: name, Present: true, Data: map[string]Sensitive{"tls.key": Sensitive(key)}}
	}
	for name, tc := range map[string]struct {
		before, after string
		object        string // the live ObjectStore where it is not as before
		live          []StoreSecret
		want          []string
	}{
		"nothing":                   {before: was, after: was, live: []StoreSecret{liveConfig(liveEnv)}},
		"another form of the same":  {before: was, after: joinDocs(plainStore, "kind: Secret\nmetadata: {name: env}\ndata: {config.env: ZXhwb3J0IE1JTklPX1JPT1RfVVNFUj0icGxhbnRlZC11c2VyIgpleHBvcnQgTUlOSU9fUk9PVF9QQVNTV09SRD0icGxhbnRlZC1wYXNzd29yZCIK}\n"), live: []StoreSecret{liveConfig(liveEnv)}},
		"another password":          {before: was, after: joinDocs(plainStore, configSecret("planted-user", "other")), live: []StoreSecret{liveConfig(liveEnv)}, want: []string{"root credentials change password env"}},
		"both":                      {before: was, after: joinDocs(plainStore, configSecret("a", "b")), live: []StoreSecret{liveConfig(liveEnv)}, want: []string{"root credentials change password,user env"}},
		"edited by hand":            {before: was, after: was, live: []StoreSecret{liveConfig(strings.ReplaceAll(liveEnv, "planted-password", "rotated"))}, want: []string{"root credentials change password env"}},
		"a key edited in":           {before: was, after: was, live: []StoreSecret{liveConfig(liveEnv + "export MINIO_KMS_SECRET_KEY=k:planted\nMINIO_DOMAIN=x\n")}, want: []string{"encryption keys change MINIO_KMS_SECRET_KEY env"}},
		"a token edited in":         {before: was, after: was, live: []StoreSecret{liveConfig(liveEnv + "export MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD=planted\n")}, want: []string{"further credentials change MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD env"}},
		"root is shut out":          {before: was, after: joinDocs(plainStore, configSecret("planted-user", "planted-password")+"    export MINIO_API_ROOT_ACCESS=\"off\"\n"), live: []StoreSecret{liveConfig(liveEnv)}, want: []string{"root credentials change whether root may log in env"}},
		"unread":                    {before: was, after: was, want: []string{"root credentials unknown password,user env"}},
		"gone, and made anew":       {before: was, after: was, live: []StoreSecret{{Namespace: "team-a", Name: "env"}}},
		"gone, and made another":    {before: was, after: joinDocs(plainStore, configSecret("planted-user", "x")), live: []StoreSecret{{Namespace: "team-a", Name: "env"}}, want: []string{"root credentials change password env"}},
		"existing, and Helm's gone": {before: was, after: plainStore, live: []StoreSecret{liveConfig(liveEnv)}, want: []string{"root credentials missing password,user env deleted"}},
		"existing, and kept":        {before: was, after: plainStore, live: []StoreSecret{{Namespace: "team-a", Name: "env", Present: true, Keep: true, Data: liveConfig(liveEnv).Data}}},
		"existing all along":        {before: plainStore, after: plainStore},
		"existing, another, same": {before: was, after: strings.ReplaceAll(plainStore, "env", "mine"), live: []StoreSecret{liveConfig(liveEnv),
			{Namespace: "team-a", Name: "mine", Present: true, Data: liveConfig(liveEnv).Data}}},
		"existing, and not there": {before: was, after: strings.ReplaceAll(plainStore, "env", "mine"), live: []StoreSecret{liveConfig(liveEnv), {Namespace: "team-a", Name: "mine"}}, want: []string{"root credentials missing password,user env,mine"}},
		"to root-creds, same":     {before: was, after: joinDocs(rootCreds, fmt.Sprintf(rootSecret, "planted-password")), live: []StoreSecret{liveConfig(liveEnv), {Namespace: "team-a", Name: "primary-root-creds"}}},
		"to root-creds, other":    {before: was, after: joinDocs(rootCreds, fmt.Sprintf(rootSecret, "x")), live: []StoreSecret{liveConfig(liveEnv), {Namespace: "team-a", Name: "primary-root-creds"}}, want: []string{"root credentials change password env,primary-root-creds"}},
		"a patch by hand stays":   {before: was, after: was, object: "kind: ObjectStore\nmetadata: {name: primary}\nspec: {configuration: {name: env}, env: [{name: MINIO_KMS_SECRET_KEY, value: planted}]}\n", live: []StoreSecret{liveConfig(liveEnv)}},
		"KES, indented otherwise": {before: joinDocs(kes, fmt.Sprintf(kesSecret, "    keystore:\n      vault: {token: a}\n")), after: joinDocs(kes, fmt.Sprintf(kesSecret, "    keystore:\n        vault:\n            token: a\n")), live: []StoreSecret{liveKES}},
		"KES, as a text in it":    {before: joinDocs(kes, fmt.Sprintf(kesSecret, "    |-\n      keystore:\n        vault: {token: a}\n")), after: joinDocs(kes, fmt.Sprintf(kesSecret, "    keystore: {vault: {token: a}}\n")), live: []StoreSecret{{Namespace: "team-a", Name: "kes-configuration", Present: true, Data: map[string]Sensitive{"server-config.yaml": Sensitive("|-\n  keystore:\n    vault: {token: a}\n")}}}},
		"KES":                     {before: joinDocs(kes, fmt.Sprintf(kesSecret, "    keystore:\n      vault: {token: a}\n")), after: joinDocs(kes, fmt.Sprintf(kesSecret, "    keystore: {vault: {token: b}}\n")), live: []StoreSecret{liveKES}, want: []string{"KES configuration change  kes-configuration"}},
		"KES is new":              {before: plainStore, after: joinDocs(kes, fmt.Sprintf(kesSecret, "    a: b\n")), live: []StoreSecret{liveConfig(liveEnv), {Namespace: "team-a", Name: "kes-configuration"}}},
		"a certificate":           {before: fmt.Sprintf(tls, "one"), after: fmt.Sprintf(tls, "two"), live: []StoreSecret{cert("one", "a"), cert("two", "b"), liveConfig(liveEnv)}, want: []string{"certificates change certificates.server[0] one,two"}},
		"a certificate, renamed":  {before: fmt.Sprintf(tls, "one"), after: fmt.Sprintf(tls, "two"), live: []StoreSecret{cert("one", "a"), cert("two", "a"), liveConfig(liveEnv)}},
		"a certificate, missing":  {before: fmt.Sprintf(tls, "one"), after: fmt.Sprintf(tls, "two"), live: []StoreSecret{cert("one", "a"), {Namespace: "team-a", Name: "two"}, liveConfig(liveEnv)}, want: []string{"certificates missing certificates.server[0] one,two"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := upgradeInputs()
			c := &in.Stores[0]
			c.Before, c.After = objectsOf(t, tc.before), objectsOf(t, tc.after)
			in.Facts.Stores[0].Object = c.Before[0]
			if tc.object != "" {
				in.Facts.Stores[0].Object = objectsOf(t, tc.object)[0]
			}
			in.Facts.StoreSecrets = tc.live
			var got []string
			for _, c := range in.CredentialChanges() {
				slices.Sort(c.Parts)
				word := fmt.Sprintf("%s %s %s %s", c.Kind, c.Outcome, strings.Join(c.Parts, ","), strings.Join(c.Secrets, ","))
				if c.Deleted {
					word += " deleted"
				}
				got = append(got, word)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, want := range in.CredentialSecrets() {
				if len(tc.want) == 0 && !slices.ContainsFunc(tc.live, func(s StoreSecret) bool { return s.Name == want.Name }) {
					t.Errorf("asks for %s, which nothing needs", want)
				}
			}
		})
	}
}

func TestAPlanThatChangesALoginNeedsConsent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		live              []StoreSecret
		unchanged, accept bool
		refused, warned   []string
	}{
		"not accepted":      {live: []StoreSecret{liveConfig(strings.ReplaceAll(liveEnv, "planted-user", "rotated"))}, refused: []string{"accept-credentials-change"}},
		"accepted":          {live: []StoreSecret{liveConfig(strings.ReplaceAll(liveEnv, "planted-user", "rotated"))}, accept: true, warned: []string{"credentials-change"}},
		"not known":         {refused: []string{"credentials-unknown"}},
		"unknown, accepted": {accept: true, warned: []string{"credentials-change"}},
		"nothing is done":   {unchanged: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := upgradeInputs()
			c := &in.Stores[0]
			c.Before = objectsOf(t, joinDocs(plainStore, configSecret("planted-user", "planted-password")))
			c.After, c.Unchanged = c.Before, tc.unchanged
			in.Facts.StoreSecrets = tc.live
			if tc.accept {
				in.Options.AcceptCredentials = []string{"team-a/primary"}
			}
			p := mustBuild(t, in)
			if diff := cmp.Diff([][]string{tc.refused, tc.warned}, [][]string{idsOf(p.Refusals), idsOf(p.Warnings)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			b, err := json.Marshal([]any{p, in.Facts})
			if err != nil || strings.Contains(string(b), "planted") || strings.Contains(string(b), "rotated") {
				t.Errorf("the plan or the facts hold the login: %v", err)
			}
		})
	}
}

func idsOf(list []Notice) []string {
	var ids []string
	for _, n := range list {
		ids = append(ids, n.ID)
	}
	return ids
}

func TestCredentialsOfAStoreInAnotherNamespaceThanItsRelease(t *testing.T) {
	t.Parallel()
	in := upgradeInputs()
	c := &in.Stores[0]
	c.Before = objectsOf(t, strings.ReplaceAll(joinDocs(plainStore, configSecret("planted-user", "planted-password")), "metadata: {", "metadata: {namespace: tenant, "))
	c.After = c.Before
	in.Facts.Stores[0].Namespace = "tenant"
	want := []ObjectKey{{Kind: "Secret", Namespace: "tenant", Name: "env"}}
	if diff := cmp.Diff(want, in.CredentialSecrets()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	live := liveConfig(strings.ReplaceAll(liveEnv, "planted-user", "rotated"))
	live.Namespace = "tenant"
	in.Facts.StoreSecrets = []StoreSecret{live}
	if got := in.CredentialChanges(); len(got) != 1 || got[0].Store != "tenant/primary" || got[0].Outcome != CredentialChanged {
		t.Errorf("received %v", got)
	}
}
