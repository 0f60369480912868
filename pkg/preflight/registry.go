package preflight

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// registryNotQueried is the result of a check of a registry that is not asked from here.
// Unless the nodes answer in its place, nothing is known.
func registryNotQueried(s *Subject) Result {
	if s.Puller != nil {
		return skipResult("the registry is not reachable from this machine; see %s", CheckPullTest)
	}
	if s.registrySettings().Registry == "" && hasListGap(s.Facts, "releases", "objectstores", "pods") {
		return notListed(s.Facts, "releases", "objectstores", "pods")
	}
	if s.registrySettings().Registry == "" {
		return skipResult("no private registry is set")
	}
	return Result{Status: Error, Message: "the registry is not reachable from this machine", Observed: "nobody asked",
		Required: "a response of the registry or of the nodes", Remedy: "add --pull-test to check from the nodes"}
}

// pullCheck is one image under one puller's secrets.
type pullCheck struct {
	puller imagePuller
	image  plan.PlannedImage
	query  registryQuery
}

// checkSecretsAccepted asks the registry for every image with exactly the
// credentials the nodes will have.
func checkSecretsAccepted(ctx context.Context, s *Subject) Result {
	if s.Registry == nil {
		return registryNotQueried(s)
	}
	list := collectPullers(s)
	if r := noPullersResult(s, list); r != nil {
		return *r
	}
	var f findings
	var pulls []pullCheck
	for _, p := range list {
		pulls = append(pulls, pullChecksFor(&f, s, p)...)
	}
	questions := make([]registryQuery, 0, len(pulls))
	for _, p := range pulls {
		questions = append(questions, p.query)
	}
	answers := queryAll(ctx, s.Registry, questions)
	said, refs := map[string]bool{}, map[images.Ref]bool{}
	for _, p := range pulls {
		refs[p.query.ref] = true
		evaluatePull(&f, s, p, answers[p.query.cacheKey()], said)
	}
	return f.buildResult("the registry accepts the pull secret of every namespace: %s in %s",
		plural.Count(len(refs), "image"), strings.Join(namespacesOf(list), ", "))
}

// pullChecksFor turns one puller into questions. What cannot become one is a finding,
// once for all its images.
func pullChecksFor(f *findings, s *Subject, p imagePuller) []pullCheck {
	k := secretKey(p.namespace, strings.Join(p.secrets, "+"))
	if len(p.secrets) == 0 {
		k = plan.ObjectKey{Kind: "Namespace", Name: p.namespace}
		f.addWarning(k, "namespace %s: its pods have no pull secret; unknown whether the nodes have credentials", p.namespace).
			setDetails("no pull secret", "one that the registry accepts", "")
		return nil
	}
	ring := keyringOf(s.Facts, p)
	switch {
	case len(ring.configs) == 0 && ring.unread != "":
		f.addError(k, "%s", ring.unread).setDetails("unknown", "present", shellquote.Command("kubectl get secret %s -n %s", p.secrets[0], p.namespace))
		return nil
	case ring.unusable != "":
		f.addFailure(k, "%s, so nothing can be pulled with it", ring.unusable).
			setDetails(ring.unusable, "a usable pull secret", createSecret(p.namespace, p.secrets[0], p.images))
		return nil
	}
	var pulls []pullCheck
	said := map[string]bool{}
	for _, img := range p.images {
		found := MatchCredentials(img.Private.Name(), ring.configs...)
		if len(found) == 0 {
			if !said[img.Private.Host] {
				said[img.Private.Host] = true
				f.addFailure(k, "secret %s/%s: has no entry for %s", k.Namespace, k.Name, img.Private.Host).
					setDetails("no entry", img.Private.Host, createSecret(p.namespace, p.secrets[0], p.images))
			}
			continue
		}
		q := registryQuery{ref: img.Private}
		for _, c := range found {
			q.configs = append(q.configs, dockerConfigFor(img.Private.Host, c))
		}
		pulls = append(pulls, pullCheck{p, img, q})
	}
	return pulls
}

func evaluatePull(f *findings, s *Subject, p pullCheck, a queryResult, said map[string]bool) {
	name := strings.Join(p.puller.secrets, "+")
	k := secretKey(p.puller.namespace, name)
	ref := p.image.Private
	if a.err == nil {
		evaluatePlatforms(f, s, k, ref, a.found)
		return
	}
	who := fmt.Sprintf("secret %s/%s", p.puller.namespace, name)
	status, line, perImage := describeRefusal(a.err, ref)
	key := who + line
	if perImage {
		key += ref.String()
	}
	if said[key] {
		return
	}
	said[key] = true
	f.addFinding(status, k, "%s: %s", who, line).setDetails(line, "200 for "+ref.String(), remedyFor(a.err, p))
}

// describeRefusal puts a registry's refusal into words, and says whether it is about
// one image or about all.
func describeRefusal(err error, ref images.Ref) (status Status, line string, perImage bool) {
	switch kind := kindOfError(err); kind {
	case KindUnauthorized:
		return Fail, "401 from " + ref.Host + ": the registry does not know these credentials", false
	case KindForbidden:
		return Fail, "403 from " + ref.Host + ": not allowed to pull " + ref.Name(), true
	case KindNotFound:
		return Fail, "404 from " + ref.Host + ": " + ref.String() + " not found", true
	case KindNameUnknown:
		return Fail, "404 from " + ref.Host + ": repository not found: " + ref.Path, true
	case KindTLS:
		return Fail, "TLS to " + ref.Host + " failed: " + rootCause(err), false
	case KindPlainHTTP:
		return Fail, ref.Host + " responds in plain HTTP, which nodes refuse unless configured to accept it", false
	case KindRateLimited:
		return Error, "429 from " + ref.Host + ": too many requests; unknown whether it has " + ref.String(), false
	case KindPrivateRedirect:
		return Error, ref.Host + " redirects the login to a private address, which is refused: " + firstLine(err), false
	case KindUnreachable:
		return Error, ref.Host + " is not reachable from this machine: " + rootCause(err), false
	default:
		return Error, ref.String() + " could not be resolved: " + firstLine(err), true
	}
}

// rootCause is the innermost cause: what is the same for every image of a registry
// that cannot be spoken to.
func rootCause(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return firstLine(err)
}

func remedyFor(err error, p pullCheck) string {
	if h := hintOf(err); h != "" {
		return h
	}
	switch kindOfError(err) {
	case KindUnauthorized:
		name := p.puller.secrets[0]
		return shellquote.Command("kubectl delete secret %s -n %s && ", name, p.puller.namespace) + createSecret(p.puller.namespace, name, p.puller.images)
	case KindNotFound, KindNameUnknown:
		return "helm aistor push BUNDLE"
	case KindForbidden:
		return "grant the pull secret's user read access to " + p.image.Private.Path
	default:
		return ""
	}
}

func evaluatePlatforms(f *findings, s *Subject, k plan.ObjectKey, ref images.Ref, found ManifestInfo) {
	if len(found.Platforms) == 0 {
		return
	}
	for _, missing := range missingPlatforms(s.Facts, found.Platforms) {
		f.addFailure(k, "image %s: available for %s only, node %s is %s", ref, strings.Join(found.Platforms, ", "), nodePlatforms(s.Facts)[missing], missing).
			setDetails(strings.Join(found.Platforms, ", "), missing, "helm aistor bundle create --platform "+strings.Join(slices.Sorted(maps.Keys(nodePlatforms(s.Facts))), ","))
	}
}
