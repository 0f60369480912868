package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// fakePuller answers for nodes; a nil say pulls everything.
type fakePuller struct {
	say func(p NodePull, ref images.Ref) error
	// pod is what happens to the whole pod.
	pod func(p NodePull) error
}

func (f fakePuller) Pull(_ context.Context, list []NodePull) []NodePullResult {
	answers := make([]NodePullResult, len(list))
	for i, p := range list {
		answers[i].Images = map[images.Ref]error{}
		if f.pod != nil {
			if answers[i].Err = f.pod(p); answers[i].Err != nil {
				continue
			}
		}
		for _, ref := range p.Images {
			var err error
			if f.say != nil {
				err = f.say(p, ref)
			}
			answers[i].Images[ref] = err
		}
	}
	return answers
}

type kindOnly string

func (k kindOnly) Error() string { return "the node said " + string(k) }
func (k kindOnly) Kind() string  { return string(k) }

func nodesSay(kind string) func(*testing.T, *Subject) {
	return func(_ *testing.T, s *Subject) {
		s.Puller = fakePuller{say: func(p NodePull, ref images.Ref) error {
			if p.Namespace == "tenant" && ref.Path == "aistor/minio" {
				return kindOnly(kind)
			}
			return nil
		}}
	}
}

func podsMeet(kind string) func(*testing.T, *Subject) {
	return func(_ *testing.T, s *Subject) {
		s.Puller = fakePuller{pod: func(NodePull) error { return kindOnly(kind) }}
	}
}

func TestPullTest(t *testing.T) {
	t.Parallel()
	minio := private + "/aistor/minio:" + minioR
	runCases(t, PreUpgradeChecks(), CheckPullTest, []checkCase{
		{name: "every node pulls", want: Pass, line: "1 node pulled all images, 3 pulls in aistor, tenant"},
		{name: "nobody asked for it", want: Skip, change: func(_ *testing.T, s *Subject) { s.Puller = nil }, line: "--pull-test"},
		{name: "401", want: Fail, change: nodesSay(KindUnauthorized), line: "node n1, namespace tenant: 401 from " + private + " with secret tenant/pull", remedy: "kubectl delete secret pull -n tenant"},
		{name: "401 without a secret", want: Fail, line: "without a pull secret: the node has no credentials of its own", change: func(t *testing.T, s *Subject) {
			nodesPull(t, s)
			nodesSay(KindUnauthorized)(t, s)
		}},
		{name: "403", want: Fail, change: nodesSay(KindForbidden), line: "403 from " + private + ": secret tenant/pull may not pull " + private + "/aistor/minio", remedy: "aistor/minio"},
		{name: "404", want: Fail, change: nodesSay(KindNotFound), line: "404: " + minio + " is not in the registry", remedy: "helm aistor push"},
		{name: "the wrong platform", want: Fail, change: nodesSay(KindPlatform), line: minio + " has no manifest for this node's platform", remedy: "--platform"},
		{name: "TLS", want: Fail, change: nodesSay(KindTLS), line: "does not trust the certificate of " + private, remedy: "certs.d"},
		{name: "plain HTTP", want: Fail, change: nodesSay(KindPlainHTTP), line: "plain HTTP"},
		{name: "no route", want: Fail, change: nodesSay(KindUnreachable), line: "the node cannot reach " + private},
		{name: "no signature", want: Fail, change: nodesSay(KindUntrusted), line: "lacks the signature"},
		{name: "a full disk", want: Fail, change: nodesSay(KindDiskFull), line: "disk is full"},
		{name: "too many requests is an error", want: Error, change: nodesSay(KindRateLimited), line: "429"},
		{name: "so is what nobody understands", want: Error, change: nodesSay(""), line: "could not be pulled"},
		{name: "unschedulable", want: Fail, change: podsMeet(KindUnschedulable), line: "no AIStor pod can be scheduled there"},
		{name: "refused by a policy", want: Fail, change: podsMeet(KindRefused), line: "the test pod was rejected"},
		{name: "no right to start pods is an error", want: Error, change: podsMeet(KindNoPermission), line: "not checked", remedy: "can-i create pods"},
		{name: "so is a node that takes too long", want: Error, change: podsMeet(KindTimeout), line: "pull timed out", remedy: "--pull-timeout"},
		{name: "a spare node that takes no pods is nothing", want: Pass, change: func(_ *testing.T, s *Subject) {
			s.SpareNodes = true
			s.Puller = fakePuller{pod: func(p NodePull) error {
				if p.Spare {
					return kindOnly(KindUnschedulable)
				}
				return nil
			}}
		}},
		{name: "an answer that is missing is an error", want: Error, line: "no response", change: func(_ *testing.T, s *Subject) { s.Puller = silentPuller{} }},
	})
}

type silentPuller struct{}

func (silentPuller) Pull(context.Context, []NodePull) []NodePullResult { return nil }

// The nodes in the place of this machine: the registry's own checks say who
// answers, and without the nodes they are errors.
func TestTheNodesAnswerForTheRegistry(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"images-present", "pull-secrets-accepted"} {
		runCases(t, PreUpgradeChecks(), id, []checkCase{
			{name: "asked from here", want: Pass},
			{name: "the nodes answer", want: Skip, line: "see " + CheckPullTest, change: func(_ *testing.T, s *Subject) { s.Registry = nil }},
			{name: "nobody answers", want: Error, remedy: "--pull-test", change: func(_ *testing.T, s *Subject) { s.Registry, s.Puller = nil, nil }},
		})
	}
}

func TestManyNodesThatMeetTheSameAreOneLine(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	for i := range 200 {
		s.Facts.Pods = append(s.Facts.Pods, plan.Pod{Namespace: "tenant", Name: fmt.Sprintf("p-%d", i), Node: fmt.Sprintf("m%03d", i), Phase: "Running"})
	}
	s.Puller = fakePuller{say: func(p NodePull, _ images.Ref) error {
		return errors.Join(kindOnly(KindUnreachable), errors.New(p.Node))
	}}
	r := checkPullTest(t.Context(), s)
	if len(r.Details) != 2 { // one for each namespace
		t.Errorf("received %d lines, expected 2: %q", len(r.Details), r.Details)
	}
}

func TestNodePulls(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	s.Facts.Nodes = append(s.Facts.Nodes, plan.Node{Name: "n3", Platform: "linux/amd64", Ready: true, Cordoned: true},
		plan.Node{Name: "n4", Platform: "windows/amd64", Ready: true}, plan.Node{Name: "n5", Platform: "linux/amd64"})
	places := func(spare bool) []string {
		var got []string
		for _, p := range NodePulls(s, spare) {
			got = append(got, fmt.Sprintf("%s on %s like %s, %d images, spare %t", p.Namespace, p.Node, p.TemplatePod, len(p.Images), p.Spare))
		}
		return got
	}
	used := []string{
		"aistor on n1 like object-store-operator-1, 1 images, spare false",
		"tenant on n1 like primary-pool-0-0, 2 images, spare false",
	}
	if diff := cmp.Diff(used, places(false)); diff != "" {
		t.Errorf("where AIStor runs (-want +got):\n%s", diff)
	}
	all := slices.Insert(slices.Clone(used), 1, "aistor on n2 like object-store-operator-1, 1 images, spare true")
	all = append(all, "tenant on n2 like primary-pool-0-0, 2 images, spare true")
	if diff := cmp.Diff(all, places(true)); diff != "" {
		t.Errorf("where it may run (-want +got):\n%s", diff)
	}
}
