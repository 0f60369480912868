package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
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
// which a pod may be placed anew. The list is sorted.
func NodePulls(s *Subject, spare bool) []NodePull {
	var list []NodePull
	for _, p := range pullers(s) {
		refs := refsOf(p.images)
		like := map[string]string{} // node to a pod there
		for _, pod := range s.Facts.Pods {
			if pod.Namespace == p.namespace && pod.Node != "" && like[pod.Node] == "" {
				like[pod.Node] = pod.Name
			}
		}
		used := sortedKeys(like)
		for _, node := range used {
			list = append(list, NodePull{Namespace: p.namespace, Node: node, Secrets: p.secrets, Images: refs, Like: like[node]})
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
				list = append(list, NodePull{Namespace: p.namespace, Node: n.Name, Secrets: p.secrets, Images: refs, Like: any, Spare: true})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b NodePull) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Node, b.Node))
	})
	return list
}

func refsOf(list []plan.PlannedImage) []images.Ref {
	var refs []images.Ref
	for _, img := range list {
		if !slices.Contains(refs, img.Private) {
			refs = append(refs, img.Private)
		}
	}
	return refs
}

// PullRights is what a pull test of these takes, for the review of rights.
func PullRights(list []NodePull) []Access {
	var rights []Access
	seen := map[string]bool{}
	for _, p := range list {
		if seen[p.Namespace] {
			continue
		}
		seen[p.Namespace] = true
		for _, verb := range []string{"create", "delete", "get", "list", "watch"} {
			rights = append(rights, Access{Verb: verb, Resource: "pods", Namespace: p.Namespace})
		}
	}
	return rights
}

// checkPullTest lets the nodes pull and groups what they say: a thousand nodes
// that meet the same refusal are one line.
func checkPullTest(ctx context.Context, s *Subject) Result {
	if s.Puller == nil {
		return skip("only with --pull-test, which starts a short pod on each node that runs AIStor")
	}
	list := NodePulls(s, s.SpareNodes)
	if len(list) == 0 {
		return skip("nothing is pulled")
	}
	answers := s.Puller.Pull(ctx, list)
	var f findings
	if gaps := gapsOf(s.Facts, "nodes"); s.SpareNodes && len(gaps) > 0 {
		f.error(plan.ObjectKey{}, "%s; only nodes that run AIStor today were asked", gapLine(gaps[0])).wanted("denied", "allowed", gaps[0].Remedy())
	}
	var g pullGroups
	nodes, pulled := map[string]bool{}, 0
	for i, p := range list {
		a := NodeAnswer{Err: fmt.Errorf("it did not answer")}
		if i < len(answers) {
			a = answers[i]
		}
		if p.Spare && kindOfError(a.Err) == KindUnschedulable {
			continue
		}
		n := g.add(p, a)
		pulled += n
		if n > 0 {
			nodes[p.Node] = true
		}
	}
	for _, one := range g.list {
		one.judge(&f)
	}
	return f.result("%s pulled all of it, %s in %s", words.Count(len(nodes), "node"), words.Count(pulled, "pull"), strings.Join(pullNamespaces(list), ", "))
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

// pullGroup is one refusal, and every node that met it.
type pullGroup struct {
	pull  NodePull
	ref   images.Ref // zero where it is about all images
	err   error
	nodes []string
}

// pullGroups gathers refusals in the order in which they are first met.
type pullGroups struct{ list []*pullGroup }

// add takes one answer and returns how many images were pulled.
func (g *pullGroups) add(p NodePull, a NodeAnswer) int {
	if a.Err != nil {
		g.put(p, images.Ref{}, a.Err)
	}
	pulled := 0
	for _, ref := range p.Images {
		err, looked := a.Images[ref]
		switch {
		case looked && err == nil:
			pulled++
		case looked:
			g.put(p, ref, err)
		case a.Err == nil:
			g.put(p, ref, fmt.Errorf("the node said nothing of it"))
		}
	}
	return pulled
}

func (g *pullGroups) put(p NodePull, ref images.Ref, err error) {
	kind := kindOfError(err)
	if !aboutImage(kind) {
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
	g.list = append(g.list, &pullGroup{pull: p, ref: ref, err: err, nodes: []string{p.Node}})
}

// aboutImage reports whether a kind of refusal may differ from image to image.
func aboutImage(kind string) bool {
	switch kind {
	case KindForbidden, KindNotFound, KindNameUnknown, KindPlatform, KindUntrusted, "":
		return true
	}
	return false
}

func (g *pullGroup) judge(f *findings) {
	status, what, remedy := g.verdict()
	key := plan.ObjectKey{Kind: "Node", Name: g.nodes[0]}
	where := "node " + g.nodes[0]
	if n := len(g.nodes) - 1; n > 0 {
		where += fmt.Sprintf(" and %d more", n)
	}
	f.add(status, key, "%s, namespace %s: %s", where, g.pull.Namespace, what).
		wanted(firstLine(g.err), "pulled with "+g.with(), remedy)
}

func (g *pullGroup) with() string {
	if len(g.pull.Secrets) == 0 {
		return "the node's own credentials"
	}
	return "secret " + g.pull.Namespace + "/" + strings.Join(g.pull.Secrets, "+")
}

// verdict puts what a node met into words, with what helps.
func (g *pullGroup) verdict() (status Status, line, remedy string) {
	host := g.ref.Host
	switch kindOfError(g.err) {
	case KindUnauthorized:
		if len(g.pull.Secrets) == 0 {
			return Fail, "401 from " + host + " without a pull secret: the node has no credentials of its own", "name a pull secret in the values and in the object store"
		}
		return Fail, "401 from " + host + " with " + g.with(), shell.Command("kubectl delete secret %s -n %s && ", g.pull.Secrets[0], g.pull.Namespace) +
			createSecret(g.pull.Namespace, g.pull.Secrets[0], []plan.PlannedImage{{Private: g.ref}})
	case KindForbidden:
		return Fail, "403 from " + host + ": " + g.with() + " may not pull " + g.ref.Name(), "let the user of the pull secret read " + g.ref.Path
	case KindNotFound, KindNameUnknown:
		return Fail, "404: " + g.ref.String() + " is not in the registry", "helm aistor push BUNDLE"
	case KindPlatform:
		return Fail, g.ref.String() + " has no manifest for this node's platform", "helm aistor bundle create --platform PLATFORM,… with every platform of the nodes"
	case KindTLS:
		return Fail, "the node does not trust the certificate of " + host + ": " + firstLine(g.err), "give the container runtime of each node the registry's CA, such as /etc/containerd/certs.d/" + host + "/hosts.toml"
	case KindPlainHTTP:
		return Fail, host + " answers in plain HTTP, and the node speaks HTTPS", "serve the registry over TLS, or tell each node's container runtime to use HTTP for it"
	case KindUnreachable:
		return Fail, "the node can't reach " + orElse(host, "the registry") + ": " + firstLine(g.err), "open the way from the nodes to the registry, or mend their name service"
	case KindUnschedulable:
		return Fail, "no pod of AIStor can be placed there: " + firstLine(g.err), "kubectl describe node " + g.nodes[0]
	case KindRefused:
		return Fail, "the cluster refuses the test's pod: " + firstLine(g.err), "let the policy admit pods like AIStor's, or --skip " + CheckPullTest
	case KindNoRight:
		return Error, "not looked at: " + firstLine(g.err), "kubectl auth can-i create pods -n " + g.pull.Namespace
	case KindRateLimited:
		return Error, "429 from " + host + ": too many requests", "try again later, or with --pull-concurrency 1"
	case KindNoTime:
		return Error, "not pulled in time: " + firstLine(g.err), "give it longer with --pull-timeout"
	case KindUntrusted:
		return Fail, g.ref.String() + " lacks the signature that the node asks for: " + firstLine(g.err), "sign the image in the private registry, or change the node's policy"
	case KindDiskFull:
		return Fail, "the node's disk is full", "make room for images on the node"
	default:
		return Error, g.ref.String() + " could not be looked at: " + firstLine(g.err), ""
	}
}
