package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// notAsked is the result of a check of a registry that is not asked from here.
// Unless the nodes answer in its place, nothing is known.
func notAsked(s *Subject) Result {
	if s.Puller != nil {
		return skip("the registry is not asked from here; %s answers instead", CheckPullTest)
	}
	if s.registry().Registry == "" && unlisted(s.Facts, "releases", "objectstores", "pods") {
		return notListed(s.Facts, "releases", "objectstores", "pods")
	}
	if s.registry().Registry == "" {
		return skip("no private registry is named anywhere")
	}
	return Result{Status: Error, Message: "the registry is not asked from here", Observed: "nobody asked",
		Required: "an answer of the registry or of the nodes", Remedy: "add --pull-test, so that the nodes answer"}
}

// pull is one image under one puller's secrets.
type pull struct {
	by    puller
	image plan.PlannedImage
	q     question
}

// checkSecretsAccepted asks the registry for every image with exactly the
// credentials the nodes will have.
func checkSecretsAccepted(ctx context.Context, s *Subject) Result {
	if s.Registry == nil {
		return notAsked(s)
	}
	list := pullers(s)
	if r := noPullers(s, list); r != nil {
		return *r
	}
	var f findings
	var pulls []pull
	for _, p := range list {
		pulls = append(pulls, pullsOf(&f, s, p)...)
	}
	questions := make([]question, 0, len(pulls))
	for _, p := range pulls {
		questions = append(questions, p.q)
	}
	answers := ask(ctx, s.Registry, questions)
	said, refs := map[string]bool{}, map[images.Ref]bool{}
	for _, p := range pulls {
		refs[p.q.ref] = true
		judgePull(&f, s, p, answers[p.q.key()], said)
	}
	return f.result("the registry accepts the pull secret of every namespace: %s in %s",
		words.Count(len(refs), "image"), strings.Join(namespacesOf(list), ", "))
}

// pullsOf turns one puller into questions. What can't become one is a finding,
// once for all its images.
func pullsOf(f *findings, s *Subject, p puller) []pull {
	k := secretKey(p.namespace, strings.Join(p.secrets, "+"))
	if len(p.secrets) == 0 {
		k = plan.ObjectKey{Kind: "Namespace", Name: p.namespace}
		f.warn(k, "namespace %s: its pods name no pull secret; it is not known whether the nodes have credentials", p.namespace).
			wanted("no pull secret", "one that the registry accepts", "")
		return nil
	}
	ring := keyringOf(s.Facts, p)
	switch {
	case len(ring.configs) == 0 && ring.gap != "":
		f.error(k, "%s", ring.gap).wanted("unknown", "present", shell.Command("kubectl get secret %s -n %s", p.secrets[0], p.namespace))
		return nil
	case ring.broken != "":
		f.fail(k, "%s, so nothing can be pulled with it", ring.broken).
			wanted(ring.broken, "a usable pull secret", createSecret(p.namespace, p.secrets[0], p.images))
		return nil
	}
	var pulls []pull
	said := map[string]bool{}
	for _, img := range p.images {
		found := Match(img.Private.Name(), ring.configs...)
		if len(found) == 0 {
			if !said[img.Private.Host] {
				said[img.Private.Host] = true
				f.fail(k, "secret %s/%s: has no entry for %s", k.Namespace, k.Name, img.Private.Host).
					wanted("no entry", img.Private.Host, createSecret(p.namespace, p.secrets[0], p.images))
			}
			continue
		}
		q := question{ref: img.Private}
		for _, c := range found {
			q.configs = append(q.configs, configFor(img.Private.Host, c))
		}
		pulls = append(pulls, pull{p, img, q})
	}
	return pulls
}

func judgePull(f *findings, s *Subject, p pull, a answer, said map[string]bool) {
	name := strings.Join(p.by.secrets, "+")
	k := secretKey(p.by.namespace, name)
	ref := p.image.Private
	if a.err == nil {
		judgePlatforms(f, s, k, ref, a.found)
		return
	}
	who := fmt.Sprintf("secret %s/%s", p.by.namespace, name)
	status, line, perImage := refusal(a.err, ref)
	key := who + line
	if perImage {
		key += ref.String()
	}
	if said[key] {
		return
	}
	said[key] = true
	f.add(status, k, "%s: %s", who, line).wanted(line, "200 for "+ref.String(), remedyFor(a.err, p))
}

// refusal puts a registry's refusal into words, and says whether it is about
// one image or about all.
func refusal(err error, ref images.Ref) (status Status, line string, perImage bool) {
	switch kind := kindOfError(err); kind {
	case KindUnauthorized:
		return Fail, "401 from " + ref.Host + ": the registry does not know these credentials", false
	case KindForbidden:
		return Fail, "403 from " + ref.Host + ": no right to pull " + ref.Name(), true
	case KindNotFound:
		return Fail, "404 from " + ref.Host + ": " + ref.String() + " is not there", true
	case KindNameUnknown:
		return Fail, "404 from " + ref.Host + ": there is no repository " + ref.Path, true
	case KindTLS:
		return Fail, "TLS to " + ref.Host + " failed: " + root(err), false
	case KindPlainHTTP:
		return Fail, ref.Host + " answers in plain HTTP, which nodes refuse unless they are told to accept it", false
	case KindRateLimited:
		return Error, "429 from " + ref.Host + ": too many requests, so nothing is known of " + ref.String(), false
	case KindPrivateRedirect:
		return Error, ref.Host + " sends the login to a private address, which is not followed: " + firstLine(err), false
	case KindUnreachable:
		return Error, ref.Host + " can't be reached from here: " + root(err), false
	default:
		return Error, ref.String() + " could not be looked at: " + firstLine(err), true
	}
}

// root is the innermost cause: what is the same for every image of a registry
// that can't be spoken to.
func root(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return firstLine(err)
}

func remedyFor(err error, p pull) string {
	if h := hintOf(err); h != "" {
		return h
	}
	switch kindOfError(err) {
	case KindUnauthorized:
		name := p.by.secrets[0]
		return shell.Command("kubectl delete secret %s -n %s && ", name, p.by.namespace) + createSecret(p.by.namespace, name, p.by.images)
	case KindNotFound, KindNameUnknown:
		return "helm aistor push BUNDLE"
	case KindForbidden:
		return "let the user of the pull secret read " + p.image.Private.Path
	default:
		return ""
	}
}

func judgePlatforms(f *findings, s *Subject, k plan.ObjectKey, ref images.Ref, found Found) {
	if len(found.Platforms) == 0 {
		return
	}
	for _, missing := range missingPlatforms(s.Facts, found.Platforms) {
		f.fail(k, "image %s: is there for %s only, node %s is %s", ref, strings.Join(found.Platforms, ", "), nodePlatforms(s.Facts)[missing], missing).
			wanted(strings.Join(found.Platforms, ", "), missing, "helm aistor bundle create --platform "+strings.Join(sortedKeys(nodePlatforms(s.Facts)), ","))
	}
}
