package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// nodesOwn says why pull secrets are not asked for.
const nodesOwn = "the nodes pull with credentials of their own"

// noPullers says why there is nothing to do for a check of pull secrets, nil
// where there is.
func noPullers(s *Subject, list []puller) *Result {
	var r Result
	switch {
	case len(list) == 0 && s.Plan == nil && unlisted(s.Facts, "pods"):
		r = notListed(s.Facts, "pods")
	case len(list) == 0:
		r = skip("nothing is pulled")
	case s.registry().Keeps():
		r = skip("%s, for their runtime redirects public references", nodesOwn)
	case slices.ContainsFunc(list, func(p puller) bool { return len(p.secrets) > 0 }):
		return nil
	case s.registry().PullSecret == plan.PullSecretNone:
		r = skip("%s, as the site says", nodesOwn)
	case unlisted(s.Facts, "serviceaccounts"):
		r = notListed(s.Facts, "serviceaccounts")
	default:
		r = skip("no pull secret is named anywhere; %s, or none are needed", nodesOwn)
	}
	return &r
}

func checkSecretsPresent(_ context.Context, s *Subject) Result {
	list := pullers(s)
	if r := noPullers(s, list); r != nil {
		return *r
	}
	var f findings
	for _, p := range list {
		judgePresent(&f, s, p)
	}
	judgeTemplates(&f, s)
	return f.result("every namespace that pulls has its pull secret (%s)", strings.Join(namespacesOf(list), ", "))
}

func judgePresent(f *findings, s *Subject, p puller) {
	var missing []string
	for _, name := range p.secrets {
		sec, known := secretOf(s.Facts, p.namespace, name)
		switch {
		case !known:
			notLooked(f, p, name)
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
		f.add(status, secretKey(p.namespace, name), "secret %s/%s, named by %s: does not exist, and %s pulled there", p.namespace, name, p.by, words.Are(len(p.images), "image")).
			wanted("none", "a Secret of type "+typeDockerConfigJSON, createSecret(p.namespace, name, p.images))
	}
}

// notLooked is a pull secret that could not be read.
func notLooked(f *findings, p puller, name string) {
	f.error(secretKey(p.namespace, name), "secret %s/%s, named by %s: was not looked at", p.namespace, name, p.by).
		wanted("unknown", "present", shell.Command("kubectl get secret %s -n %s", name, p.namespace))
}

// judgeTemplates names workloads whose pods will have no pull secret at all,
// although the site pulls with one: older operator charts pass it to the
// stores only.
func judgeTemplates(f *findings, s *Subject) {
	name := s.registry().PullSecret
	if name == "" || name == plan.PullSecretNone {
		return
	}
	for _, c := range s.changes() {
		if c.Stone {
			continue
		}
		for _, o := range ofKind(c.After, "Deployment") {
			k := plan.KeyOf(o, c.Namespace)
			if len(templateSecrets(o)) == 0 && len(accountSecrets(s.Facts, k.Namespace)) == 0 {
				f.warn(k, "%s: chart %s gives its pods no pull secret", label(k), c.To).
					wanted("none", name, "set global.operator.imagePullSecrets to [{name: "+name+"}] in "+valuesName(c))
			}
		}
	}
}

func checkSecretsValid(_ context.Context, s *Subject) Result {
	if s.registry().Keeps() && s.registry().PullSecret != plan.PullSecretNone {
		return checkKeptSecrets(s)
	}
	list := pullers(s)
	if r := noPullers(s, list); r != nil {
		return *r
	}
	var f findings
	looked := 0
	for _, p := range list {
		for _, name := range p.secrets {
			sec, known := secretOf(s.Facts, p.namespace, name)
			switch {
			case !known:
				notLooked(&f, p, name)
			case sec.Present:
				looked++
				judgeContent(&f, p, sec)
			}
		}
		judgeEntries(&f, s, p)
	}
	if looked == 0 && len(f.list) == 0 {
		return skip("none of the pull secrets exists")
	}
	return f.result("%d pull secrets are well-formed and have an entry for what is pulled", looked)
}

func judgeContent(f *findings, p puller, sec plan.PullSecret) {
	k := secretKey(sec.Namespace, sec.Name)
	again := shell.Command("kubectl delete secret %s -n %s && ", sec.Name, sec.Namespace) + createSecret(sec.Namespace, sec.Name, p.images)
	switch {
	case sec.Type == typeDockerCfg:
		f.error(k, "%s: is of the older type %s, which is not looked into", label(k), typeDockerCfg).
			wanted(sec.Type, typeDockerConfigJSON, again)
		return
	case sec.Type != typeDockerConfigJSON:
		f.fail(k, "%s: is of type %s, which kubelet does not pull with", label(k), orElse(sec.Type, "(none)")).
			wanted(sec.Type, typeDockerConfigJSON, again)
		return
	}
	if _, err := ParseDockerConfig(sec.Data); err != nil {
		f.fail(k, "%s: %v", label(k), err).wanted("unreadable", "the JSON that Docker writes", again)
	}
}

// judgeEntries asks that each image has an entry that kubelet would take.
func judgeEntries(f *findings, s *Subject, p puller) {
	ring := keyringOf(s.Facts, p)
	if len(ring.configs) == 0 {
		return
	}
	has := ring.entries()
	k := secretKey(p.namespace, p.secrets[0])
	said := map[string]bool{}
	for _, img := range p.images {
		found := Match(img.Private.Name(), ring.configs...)
		what := ""
		switch {
		case len(found) == 0:
			what = "has no entry for " + img.Private.Host
		case allEmpty(found):
			what = "has an entry for " + img.Private.Host + " without username and password, and kubelet uses nothing else"
		}
		if what == "" || said[what] {
			continue
		}
		said[what] = true
		f.fail(k, "secret %s/%s: %s (%s is pulled, it has %s)", p.namespace, strings.Join(p.secrets, "+"), what, img.Private.Name(), has).
			wanted(has, img.Private.Host, shell.Command("kubectl delete secret %s -n %s && ", k.Name, p.namespace)+createSecret(p.namespace, k.Name, p.images))
	}
}

func allEmpty(list []Credential) bool {
	return !slices.ContainsFunc(list, func(c Credential) bool { return !c.Empty() })
}

// createSecret is the command that makes a pull secret for what is pulled.
func createSecret(namespace, name string, pulled []plan.PlannedImage) string {
	ref := images.Ref{Host: "REGISTRY"}
	if len(pulled) > 0 {
		ref = pulled[0].Private
	}
	return createSecretFor(namespace, name, ref)
}

func namespacesOf(list []puller) []string {
	var names []string
	for _, p := range list {
		if !slices.Contains(names, p.namespace) {
			names = append(names, p.namespace)
		}
	}
	return names
}
