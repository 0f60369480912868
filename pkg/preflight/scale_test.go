package preflight

import (
	"fmt"
	"testing"
	"time"
)

// bigSubject is an installation of n servers.
func bigSubject(tb testing.TB, n int) *Subject {
	s := readySubject(tb)
	server := s.Facts.Pods[1]
	s.Facts.Pods = s.Facts.Pods[:1]
	for i := range n {
		p := server
		p.Name = fmt.Sprintf("primary-pool-0-%d", i)
		s.Facts.Pods = append(s.Facts.Pods, p)
	}
	s.Facts.Stores[0].Pools[0].Servers = n
	w := &s.Facts.Workloads[1]
	w.Replicas, w.Ready, w.Updated = n, n, n
	s.Facts.Claims, s.Facts.Volumes = nil, nil
	addClaims(s.Facts, n)
	s.Plan.Claims = s.Facts.ClaimRecords()
	return s
}

// Judging is linear in pods: five thousand take moments, in what is far beyond
// the time of checking them.
func TestFiveThousandServersAreJudgedInMoments(t *testing.T) {
	t.Parallel()
	s := bigSubject(t, 5000)
	start := time.Now()
	if r := Run(t.Context(), PostUpgradeChecks(), s, Options{}); !r.OK() {
		t.Fatal(r.Verdict)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %s", took)
	}
}

func BenchmarkValidate5000(b *testing.B) {
	s := bigSubject(b, 5000)
	b.ReportAllocs()
	for b.Loop() {
		Run(b.Context(), PostUpgradeChecks(), s, Options{})
	}
}
