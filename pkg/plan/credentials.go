package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

// StoreSecret is a Secret that an object store takes credentials, KES
// configuration or certificates from. It is read only where a change may
// concern it.
type StoreSecret struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Present   bool   `json:"present"`
	// Keep says that Helm does not delete it: helm.sh/resource-policy: keep.
	Keep bool `json:"keep,omitempty"`
	// Data is its content by key.
	Data map[string]Sensitive `json:"-"`
}

// CredentialKind says what a [CredentialChange] is about.
type CredentialKind string

// The kinds of credentials.
const (
	CredentialRoot CredentialKind = "root credentials"
	CredentialKMS  CredentialKind = "encryption keys"
	// CredentialOther are those that stand beside the root login in config.env.
	CredentialOther       CredentialKind = "further credentials"
	CredentialKES         CredentialKind = "KES configuration"
	CredentialCertificate CredentialKind = "certificates"
)

// CredentialOutcome says what becomes of them.
type CredentialOutcome string

// The outcomes of a [CredentialChange].
const (
	// CredentialChanged is another value.
	CredentialChanged CredentialOutcome = "change"
	// CredentialMissing means that the Secret they come from is deleted by the
	// change, or does not exist.
	CredentialMissing CredentialOutcome = "missing"
	// CredentialUnknown means that the live Secret could not be read.
	CredentialUnknown CredentialOutcome = "unknown"
)

// CredentialChange is what a change does to the credentials of one object
// store. It holds none of them.
type CredentialChange struct {
	// Store is namespace/name.
	Store   string
	Kind    CredentialKind
	Outcome CredentialOutcome
	// Parts name what differs, such as "user" and "password".
	Parts []string
	// Secrets are the Secrets concerned, by name.
	Secrets []string
	// Deleted says that the change itself deletes the Secret.
	Deleted bool
}

// String is one sentence for people, without any value.
func (c CredentialChange) String() string {
	where := strings.Join(c.Secrets, ", ")
	if where != "" {
		where = " (Secret " + where + ")"
	}
	what := "the " + string(c.Kind) + " of " + c.Store
	change := "change"
	if c.Kind == CredentialKES {
		change = "changes"
	}
	parts := ""
	if len(c.Parts) > 0 {
		parts = ": " + strings.Join(c.Parts, ", ")
	}
	switch {
	case c.Outcome == CredentialUnknown:
		return "whether " + what + " " + change + " is unknown, because the live Secret could not be read" + where
	case c.Deleted:
		return what + " would be deleted by Helm" + where + ", although the object store still uses it"
	case c.Outcome == CredentialMissing:
		return what + " would be taken from a Secret or key that does not exist" + where
	}
	return what + " " + change + parts + where
}

// CredentialChanges are what the changes of object stores do to root logins,
// encryption keys, KES configurations and certificates, in a stable order. The
// live values are compared with what they will be, so that a Secret which was
// edited manually and would be set back counts too.
func (in Inputs) CredentialChanges() []CredentialChange {
	var list []CredentialChange
	for _, c := range in.Stores {
		if !c.Unchanged {
			list = append(list, in.credentialsOf(c).changes()...)
		}
	}
	return list
}

// CredentialSecrets are the live Secrets that [Inputs.CredentialChanges] has to
// see, sorted.
func (in Inputs) CredentialSecrets() []ObjectKey {
	seen := map[ObjectKey]bool{}
	for _, c := range in.Stores {
		if c.Unchanged {
			continue
		}
		s := in.credentialsOf(c)
		for _, name := range s.wanted() {
			seen[ObjectKey{Kind: "Secret", Namespace: s.namespace, Name: name}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), ObjectKey.Compare)
}

// credentialItem is one credential as it is or will be.
type credentialItem struct {
	kind CredentialKind
	part string
	// secret names where it comes from; empty for a literal value.
	secret string
	state  credentialState
	text   []byte
}

type credentialState int

const (
	credentialPresent credentialState = iota
	credentialAbsent
	credentialUnread
)

// changes compares what is live with what will be, kind by kind.
func (s *storeCredentials) changes() []CredentialChange {
	now, next := s.items(s.live, s.liveSecret), s.items(s.next, s.nextSecret)
	byKind := map[CredentialKind]*CredentialChange{}
	for _, key := range slices.Sorted(maps.Keys(union(now, next))) {
		was, had := now[key]
		comes, has := next[key]
		outcome, differs := s.compare(was, had, comes, has)
		if !differs {
			continue
		}
		one := comes
		if !has {
			one = was
		}
		c := byKind[one.kind]
		if c == nil {
			c = &CredentialChange{Store: s.key(), Kind: one.kind, Outcome: outcome}
			byKind[one.kind] = c
		}
		c.add(outcome, one.part, was.secret, comes.secret)
		c.Deleted = c.Deleted || outcome == CredentialMissing && s.deletes(comes.secret)
	}
	var list []CredentialChange
	for _, k := range []CredentialKind{CredentialRoot, CredentialKMS, CredentialOther, CredentialKES, CredentialCertificate} {
		if c := byKind[k]; c != nil {
			list = append(list, *c)
		}
	}
	return list
}

func union(a, b map[string]credentialItem) map[string]bool {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return keys
}

// add keeps the gravest outcome: what is missing, then what is not known.
func (c *CredentialChange) add(outcome CredentialOutcome, part string, secrets ...string) {
	grave := func(o CredentialOutcome) int {
		return slices.Index([]CredentialOutcome{CredentialChanged, CredentialUnknown, CredentialMissing}, o)
	}
	if grave(outcome) > grave(c.Outcome) {
		c.Outcome = outcome
	}
	if part != "" && !slices.Contains(c.Parts, part) {
		c.Parts = append(c.Parts, part)
	}
	for _, name := range secrets {
		if name != "" && !slices.Contains(c.Secrets, name) {
			c.Secrets = append(c.Secrets, name)
		}
	}
}

// compare says what becomes of one credential.
func (s *storeCredentials) compare(was credentialItem, had bool, comes credentialItem, has bool) (CredentialOutcome, bool) {
	switch {
	case !had && comes.kind != CredentialRoot:
		return "", false // what was not in use is not lost
	case has && comes.state == credentialAbsent && !(had && was.state == credentialAbsent):
		return CredentialMissing, true
	case had && was.state == credentialUnread, has && comes.state == credentialUnread:
		return CredentialUnknown, true
	case !had || !has || was.state != comes.state:
		return CredentialChanged, true
	case was.state == credentialAbsent || sameSecret(was, comes):
		return "", false
	}
	return CredentialChanged, true
}

func credentialsRule() Rule {
	return Rule{ID: "credentials-kept", Title: "Credentials kept", Needs: []string{"objectstores"}, Evaluate: evaluateCredentials,
		Notices:   []string{"accept-credentials-change", "credentials-change", "credentials-missing", "credentials-unknown"},
		Inspects:  "the root login, encryption keys, KES configuration and certificates of each object store, in the cluster compared with what the release would set",
		FailsWhen: "one changes, also by reverting a manual edit, and the change was not accepted; or its Secret would be deleted or does not exist; an error if a live Secret cannot be read"}
}

// evaluateCredentials asks for consent before a login, key or certificate changes.
func evaluateCredentials(in Inputs, _ *Plan) Verdict {
	v := Verdict{Passed: "every object store keeps its root login, keys and certificates"}
	for _, c := range in.CredentialChanges() {
		consent := shellquote.Command("--accept-credentials-change %s", c.Store)
		add := func(s Severity, notice, remedy string) {
			v.add(s, notice, storeKey(c.Store), "%s", c).setDetails("", "", remedy)
		}
		switch {
		case c.Outcome == CredentialMissing:
			add(SeverityRefuse, "credentials-missing", c.Remedy())
		case slices.Contains(in.Options.AcceptCredentials, c.Store):
			v.add(SeverityWarn, "credentials-change", storeKey(c.Store), "%s, which was accepted", c)
		case c.Outcome == CredentialUnknown:
			add(SeverityRefuseUnknown, "credentials-unknown", c.Remedy()+"; "+consent+" accepts either")
		default:
			add(SeverityRefuse, "accept-credentials-change", consent)
		}
	}
	return v
}

// RefusedCredentialChanges are those of [Inputs.CredentialChanges] that nobody
// accepted, and those that nobody can accept.
func (in Inputs) RefusedCredentialChanges() []CredentialChange {
	return slices.DeleteFunc(in.CredentialChanges(), func(c CredentialChange) bool {
		return c.Outcome != CredentialMissing && slices.Contains(in.Options.AcceptCredentials, c.Store)
	})
}

// Remedy is what helps where consent does not.
func (c CredentialChange) Remedy() string {
	namespace, _, _ := strings.Cut(c.Store, "/")
	name := cmp.Or(append(slices.Clone(c.Secrets), "NAME")...)
	switch {
	case c.Deleted:
		return shellquote.Command("kubectl -n %s annotate secret %s helm.sh/resource-policy=keep", namespace, name) + " keeps it"
	case c.Outcome == CredentialMissing:
		return shellquote.Command("kubectl -n %s get secret %s", namespace, name)
	case c.Outcome == CredentialUnknown:
		return shellquote.Command("kubectl auth can-i get secrets/%s -n %s", name, namespace)
	}
	return fmt.Sprintf("--accept-credentials-change %s", shellquote.Quote(c.Store))
}
