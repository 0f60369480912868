package preflight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// CheckPullTest is the ID of the check that pulls on the nodes. An upgrade that
// wants the images there beforehand runs it alone:
//
//	Run(ctx, Before(), subject, Options{Only: []string{CheckPullTest}})
const CheckPullTest = "pull-test"

// NodePulls is what has to be pulled where, so that every pod that AIStor will
// have finds its images: one for each namespace, set of pull secrets and node
// that runs pods of AIStor there today. Spare adds the other ready nodes, on
// which a pod may be placed again. The list is sorted.
func NodePulls(s *Subject, spare bool) []NodePull {
	var list []NodePull
	for _, p := range collectPullers(s) {
		refs := privateRefs(p.images)
		like := map[string]string{} // node to a pod there
		for _, pod := range s.Facts.Pods {
			if pod.Namespace == p.namespace && pod.Node != "" && like[pod.Node] == "" {
				like[pod.Node] = pod.Name
			}
		}
		used := slices.Sorted(maps.Keys(like))
		for _, node := range used {
			list = append(list, NodePull{Namespace: p.namespace, Node: node, Secrets: p.secrets, Images: refs, TemplatePod: like[node]})
		}
		if len(used) > 0 && !spare {
			continue
		}
		any := ""
		if len(used) > 0 {
			any = like[used[0]]
		}
		for _, n := range s.Facts.Nodes {
			if like[n.Name] == "" && n.Ready && !n.Cordoned && strings.HasPrefix(n.Platform, "linux/") {
				list = append(list, NodePull{Namespace: p.namespace, Node: n.Name, Secrets: p.secrets, Images: refs, TemplatePod: any, Spare: true})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b NodePull) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Node, b.Node))
	})
	return list
}

func privateRefs(list []plan.PlannedImage) []images.Ref {
	var refs []images.Ref
	for _, img := range list {
		if !slices.Contains(refs, img.Private) {
			refs = append(refs, img.Private)
		}
	}
	return refs
}

// PullPermissions is what a pull test of these takes, for the review of rights.
func PullPermissions(list []NodePull) []Permission {
	var rights []Permission
	seen := map[string]bool{}
	for _, p := range list {
		if seen[p.Namespace] {
			continue
		}
		seen[p.Namespace] = true
		for _, verb := range []string{"create", "delete", "get", "list", "watch"} {
			rights = append(rights, Permission{Verb: verb, Resource: "pods", Namespace: p.Namespace})
		}
	}
	return rights
}

// checkPullTest lets the nodes pull and groups what they say: a thousand nodes
// that meet the same refusal are one line.
func checkPullTest(ctx context.Context, s *Subject) Result {
	if s.Puller == nil {
		return skipResult("requires --pull-test, which starts a short-lived pod on each node that runs AIStor")
	}
	list := NodePulls(s, s.SpareNodes)
	if len(list) == 0 {
		return skipResult("nothing is pulled")
	}
	answers := s.Puller.Pull(ctx, list)
	var f findings
	if gaps := gapsOf(s.Facts, "nodes"); s.SpareNodes && len(gaps) > 0 {
		f.addError(plan.ObjectKey{}, "%s; only nodes that run AIStor were tested", gapMessage(gaps[0])).setDetails("denied", "allowed", gaps[0].Remedy())
	}
	var g pullFailures
	nodes, pulled := map[string]bool{}, 0
	for i, p := range list {
		a := NodePullResult{Err: fmt.Errorf("no response")}
		if i < len(answers) {
			a = answers[i]
		}
		if p.Spare && kindOfError(a.Err) == KindUnschedulable {
			continue
		}
		n := g.addResult(p, a)
		pulled += n
		if n > 0 {
			nodes[p.Node] = true
		}
	}
	for _, one := range g.list {
		one.addFinding(&f)
	}
	return f.buildResult("%s pulled all images, %s in %s", plural.Count(len(nodes), "node"), plural.Count(pulled, "pull"), strings.Join(pullNamespaces(list), ", "))
}

func pullNamespaces(list []NodePull) []string {
	var names []string
	for _, p := range list {
		if !slices.Contains(names, p.Namespace) {
			names = append(names, p.Namespace)
		}
	}
	return names
}

// pullFailure is one refusal, and every node that met it.
type pullFailure struct {
	pull  NodePull
	ref   images.Ref // zero where it is about all images
	err   error
	nodes []string
}

// pullFailures gathers refusals in the order in which they are first met.
type pullFailures struct{ list []*pullFailure }

// addResult takes one answer and returns how many images were pulled.
func (g *pullFailures) addResult(p NodePull, a NodePullResult) int {
	if a.Err != nil {
		g.addFailure(p, images.Ref{}, a.Err)
	}
	pulled := 0
	for _, ref := range p.Images {
		err, looked := a.Images[ref]
		switch {
		case looked && err == nil:
			pulled++
		case looked:
			g.addFailure(p, ref, err)
		case a.Err == nil:
			g.addFailure(p, ref, fmt.Errorf("the node reported no result"))
		}
	}
	return pulled
}

func (g *pullFailures) addFailure(p NodePull, ref images.Ref, err error) {
	kind := kindOfError(err)
	if !isPerImage(kind) {
		ref = images.Ref{Host: ref.Host}
	}
	for _, one := range g.list {
		if one.pull.Namespace == p.Namespace && slices.Equal(one.pull.Secrets, p.Secrets) && one.ref == ref && kindOfError(one.err) == kind &&
			(kind != "" || one.err.Error() == err.Error()) {
			if !slices.Contains(one.nodes, p.Node) {
				one.nodes = append(one.nodes, p.Node)
			}
			return
		}
	}
	g.list = append(g.list, &pullFailure{pull: p, ref: ref, err: err, nodes: []string{p.Node}})
}

// isPerImage reports whether a kind of refusal may differ from image to image.
func isPerImage(kind string) bool {
	switch kind {
	case KindForbidden, KindNotFound, KindNameUnknown, KindPlatform, KindUntrusted, "":
		return true
	}
	return false
}

func (g *pullFailure) addFinding(f *findings) {
	status, what, remedy := g.describeFailure()
	key := plan.ObjectKey{Kind: "Node", Name: g.nodes[0]}
	where := "node " + g.nodes[0]
	if n := len(g.nodes) - 1; n > 0 {
		where += fmt.Sprintf(" and %d more", n)
	}
	f.addFinding(status, key, "%s, namespace %s: %s", where, g.pull.Namespace, what).
		setDetails(firstLine(g.err), "pulled with "+g.credentialText(), remedy)
}

func (g *pullFailure) credentialText() string {
	if len(g.pull.Secrets) == 0 {
		return "the node's own credentials"
	}
	return "secret " + g.pull.Namespace + "/" + strings.Join(g.pull.Secrets, "+")
}

// describeFailure puts what a node met into words, with what helps.
func (g *pullFailure) describeFailure() (status Status, line, remedy string) {
	host := g.ref.Host
	switch kindOfError(g.err) {
	case KindUnauthorized:
		if len(g.pull.Secrets) == 0 {
			return Fail, "401 from " + host + " without a pull secret: the node has no credentials of its own", "set a pull secret in the values and in the object store"
		}
		return Fail, "401 from " + host + " with " + g.credentialText(), shellquote.Command("kubectl delete secret %s -n %s && ", g.pull.Secrets[0], g.pull.Namespace) +
			createSecret(g.pull.Namespace, g.pull.Secrets[0], []plan.PlannedImage{{Private: g.ref}})
	case KindForbidden:
		return Fail, "403 from " + host + ": " + g.credentialText() + " may not pull " + g.ref.Name(), "grant the pull secret's user read access to " + g.ref.Path
	case KindNotFound, KindNameUnknown:
		return Fail, "404: " + g.ref.String() + " is not in the registry", "helm aistor push BUNDLE"
	case KindPlatform:
		return Fail, g.ref.String() + " has no manifest for this node's platform", "helm aistor bundle create --platform PLATFORM,… with every platform of the nodes"
	case KindTLS:
		return Fail, "the node does not trust the certificate of " + host + ": " + firstLine(g.err), "give the container runtime of each node the registry's CA, such as /etc/containerd/certs.d/" + host + "/hosts.toml"
	case KindPlainHTTP:
		return Fail, host + " responds in plain HTTP, but the node uses HTTPS", "serve the registry over TLS, or tell each node's container runtime to use HTTP for it"
	case KindUnreachable:
		return Fail, "the node cannot reach " + cmp.Or(strings.TrimSpace(host), "the registry") + ": " + firstLine(g.err), "allow network access from the nodes to the registry, or fix their DNS"
	case KindUnschedulable:
		return Fail, "no AIStor pod can be scheduled there: " + firstLine(g.err), "kubectl describe node " + g.nodes[0]
	case KindRefused:
		return Fail, "the test pod was rejected: " + firstLine(g.err), "allow pods like AIStor's in the policy, or use --skip " + CheckPullTest
	case KindNoPermission:
		return Error, "not checked: " + firstLine(g.err), "kubectl auth can-i create pods -n " + g.pull.Namespace
	case KindRateLimited:
		return Error, "429 from " + host + ": too many requests", "try again later, or with --pull-concurrency 1"
	case KindTimeout:
		return Error, "pull timed out: " + firstLine(g.err), "increase --pull-timeout"
	case KindUntrusted:
		return Fail, g.ref.String() + " lacks the signature that the node requires: " + firstLine(g.err), "sign the image in the private registry, or change the node's policy"
	case KindDiskFull:
		return Fail, "the node's disk is full", "free disk space on the node"
	default:
		return Error, g.ref.String() + " could not be pulled: " + firstLine(g.err), ""
	}
}
