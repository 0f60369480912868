package preflight

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// nodeCredentialsReason says why pull secrets are not asked for.
const nodeCredentialsReason = "nodes use their own registry credentials"

// noPullersResult says why there is nothing to do for a check of pull secrets, nil
// where there is.
func noPullersResult(s *Subject, list []imagePuller) *Result {
	var r Result
	switch {
	case len(list) == 0 && s.Plan == nil && hasListGap(s.Facts, "pods"):
		r = notListed(s.Facts, "pods")
	case len(list) == 0:
		r = skipResult("nothing is pulled")
	case s.registrySettings().KeepsReferences():
		r = skipResult("%s, because their runtime redirects public references", nodeCredentialsReason)
	case slices.ContainsFunc(list, func(p imagePuller) bool { return len(p.secrets) > 0 }):
		return nil
	case s.registrySettings().PullSecret == plan.PullSecretNone:
		r = skipResult("%s, according to the site file", nodeCredentialsReason)
	case hasListGap(s.Facts, "serviceaccounts"):
		r = notListed(s.Facts, "serviceaccounts")
	default:
		r = skipResult("no pull secret is set; %s, or none are needed", nodeCredentialsReason)
	}
	return &r
}

func checkSecretsPresent(_ context.Context, s *Subject) Result {
	list := collectPullers(s)
	if r := noPullersResult(s, list); r != nil {
		return *r
	}
	var f findings
	for _, p := range list {
		evaluateSecretPresence(&f, s, p)
	}
	evaluateTemplates(&f, s)
	return f.buildResult("every namespace that pulls has its pull secret (%s)", strings.Join(namespacesOf(list), ", "))
}

func evaluateSecretPresence(f *findings, s *Subject, p imagePuller) {
	var missing []string
	for _, name := range p.secrets {
		sec, known := secretOf(s.Facts, p.namespace, name)
		switch {
		case !known:
			addUnreadSecret(f, p, name)
			return
		case !sec.Present:
			missing = append(missing, name)
		}
	}
	status := Fail
	if len(missing) < len(p.secrets) {
		status = Warn // kubelet passes over a missing one as long as another serves
	}
	for _, name := range missing {
		f.addFinding(status, secretKey(p.namespace, name), "secret %s/%s, referenced by %s: does not exist, and %s pulled there", p.namespace, name, p.requestedBy, plural.CountIs(len(p.images), "image")).
			setDetails("none", "a Secret of type "+typeDockerConfigJSON, createSecret(p.namespace, name, p.images))
	}
}

// addUnreadSecret is a pull secret that could not be read.
func addUnreadSecret(f *findings, p imagePuller, name string) {
	f.addError(secretKey(p.namespace, name), "secret %s/%s, referenced by %s: was not read", p.namespace, name, p.requestedBy).
		setDetails("unknown", "present", shellquote.Command("kubectl get secret %s -n %s", name, p.namespace))
}

// evaluateTemplates names workloads whose pods will have no pull secret at all,
// although the site pulls with one: older operator charts pass it to the
// stores only.
func evaluateTemplates(f *findings, s *Subject) {
	name := s.registrySettings().PullSecret
	if name == "" || name == plan.PullSecretNone {
		return
	}
	for _, c := range s.orderedChanges() {
		if c.Intermediate {
			continue
		}
		for _, o := range images.FilterByKind(c.After, "Deployment") {
			k := plan.KeyOf(o, c.Namespace)
			if len(templateSecrets(o)) == 0 && len(accountSecrets(s.Facts, k.Namespace)) == 0 {
				f.addWarning(k, "%s: chart %s sets no pull secret for its pods", k.Label(), c.To).
					setDetails("none", name, "set global.operator.imagePullSecrets to [{name: "+name+"}] in "+c.ValuesName())
			}
		}
	}
}

func checkSecretsValid(_ context.Context, s *Subject) Result {
	if s.registrySettings().KeepsReferences() && s.registrySettings().PullSecret != plan.PullSecretNone {
		return checkPublicReferenceSecrets(s)
	}
	list := collectPullers(s)
	if r := noPullersResult(s, list); r != nil {
		return *r
	}
	var f findings
	looked := 0
	for _, p := range list {
		for _, name := range p.secrets {
			sec, known := secretOf(s.Facts, p.namespace, name)
			switch {
			case !known:
				addUnreadSecret(&f, p, name)
			case sec.Present:
				looked++
				evaluateSecretContent(&f, p, sec)
			}
		}
		evaluateEntries(&f, s, p)
	}
	if looked == 0 && len(f.list) == 0 {
		return skipResult("none of the pull secrets exists")
	}
	return f.buildResult("%d pull secrets are well-formed and have an entry for what is pulled", looked)
}

func evaluateSecretContent(f *findings, p imagePuller, sec plan.PullSecret) {
	k := secretKey(sec.Namespace, sec.Name)
	again := shellquote.Command("kubectl delete secret %s -n %s && ", sec.Name, sec.Namespace) + createSecret(sec.Namespace, sec.Name, p.images)
	switch {
	case sec.Type == typeDockerCfg:
		f.addError(k, "%s: has the legacy type %s, which is not checked", k.Label(), typeDockerCfg).
			setDetails(sec.Type, typeDockerConfigJSON, again)
		return
	case sec.Type != typeDockerConfigJSON:
		f.addFailure(k, "%s: is of type %s, which kubelet does not use", k.Label(), cmp.Or(strings.TrimSpace(sec.Type), "(none)")).
			setDetails(sec.Type, typeDockerConfigJSON, again)
		return
	}
	if _, err := ParseDockerConfig(sec.Data); err != nil {
		f.addFailure(k, "%s: %v", k.Label(), err).setDetails("unreadable", "a Docker config in JSON", again)
	}
}

// evaluateEntries asks that each image has an entry that kubelet would take.
func evaluateEntries(f *findings, s *Subject, p imagePuller) {
	ring := keyringOf(s.Facts, p)
	if len(ring.configs) == 0 {
		return
	}
	has := ring.describeEntries()
	k := secretKey(p.namespace, p.secrets[0])
	said := map[string]bool{}
	for _, img := range p.images {
		found := MatchCredentials(img.Private.Name(), ring.configs...)
		what := ""
		switch {
		case len(found) == 0:
			what = "has no entry for " + img.Private.Host
		case allAnonymous(found):
			what = "has an entry for " + img.Private.Host + " without username and password, which kubelet requires"
		}
		if what == "" || said[what] {
			continue
		}
		said[what] = true
		f.addFailure(k, "secret %s/%s: %s (%s is pulled, it has %s)", p.namespace, strings.Join(p.secrets, "+"), what, img.Private.Name(), has).
			setDetails(has, img.Private.Host, shellquote.Command("kubectl delete secret %s -n %s && ", k.Name, p.namespace)+createSecret(p.namespace, k.Name, p.images))
	}
}

func allAnonymous(list []Credential) bool {
	return !slices.ContainsFunc(list, func(c Credential) bool { return !c.IsAnonymous() })
}

// createSecret is the command that makes a pull secret for what is pulled.
func createSecret(namespace, name string, pulled []plan.PlannedImage) string {
	ref := images.Ref{Host: "REGISTRY"}
	if len(pulled) > 0 {
		ref = pulled[0].Private
	}
	return createSecretFor(namespace, name, ref)
}

func namespacesOf(list []imagePuller) []string {
	var names []string
	for _, p := range list {
		if !slices.Contains(names, p.namespace) {
			names = append(names, p.namespace)
		}
	}
	return names
}
