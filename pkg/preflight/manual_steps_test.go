package preflight

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// fakeBundle is a bundle that is whole, or not.
type fakeBundle struct {
	err  error
	none bool
}

func (p fakeBundle) VerifyBundle(context.Context) (string, error) {
	if p.err != nil || p.none {
		return "", p.err
	}
	return "every byte of aistor.bundle is as it was made", nil
}

func TestManualBackups(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "manual-backups", []checkCase{
		{name: "all acknowledged", want: Pass, details: []string{"acknowledged: export users, groups and policies"}},
		{name: "one is not", want: Warn, line: "manual step not confirmed: export users, groups and policies", remedy: "--acknowledge iam-export",
			details: []string{"acknowledged: export bucket metadata"},
			change:  func(_ *testing.T, s *Subject) { s.Acknowledged = []string{"bucket-export", "config-export"} }},
		{name: "no store is touched", want: Skip, change: func(_ *testing.T, s *Subject) { s.Plan.Steps = s.Plan.Steps[:1] }},
	})
	if got := UnknownManualSteps([]string{"iam-export", "iam"}); len(got) != 1 || got[0] != "iam" {
		t.Errorf("unknown: %v", got)
	}
}

func TestRegistryWritable(t *testing.T) {
	t.Parallel()
	closed := func(_ *testing.T, s *Subject) { fakeRegistryOf(s).closed = []string{"aistor/minio", "aistor/operator"} }
	runCases(t, PreUpgradeChecks(), "registry-writable", []checkCase{
		{name: "nothing is missing, so nobody needs the right", want: Pass, line: "nothing to push", change: closed},
		{name: "something is missing and can be pushed", want: Pass, line: "1 repository", change: removeImage("minio:" + minioR)},
		{name: "something is missing and can't be pushed", want: Fail, line: "403 from " + private + ": not allowed to push to " + private + "/aistor/minio", remedy: "--push never",
			change: func(t *testing.T, s *Subject) { closed(t, s); removeImage("minio:"+minioR)(t, s) }},
		{name: "another image lies under the tag", want: Fail, line: "aistor/operator", change: func(t *testing.T, s *Subject) {
			closed(t, s)
			s.Plan.Images[2].Digest = digestB
		}},
		{name: "the registry can't be reached", want: Error, change: registryDown(KindUnreachable)},
		{name: "the registry's owner pushes", want: Skip, change: func(_ *testing.T, s *Subject) { s.Plan.Options.Push = "never" }},
		{name: "the registry is not reachable from this machine", want: Skip, change: func(_ *testing.T, s *Subject) { s.Registry = nil }},
	})
}

func TestRollbackReady(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "rollback-ready", []checkCase{
		{name: "ready", want: Pass},
		{name: "no revision was ever deployed", want: Warn, line: "release aistor/aistor: no readable rollback revision", remedy: "helm history aistor",
			change: func(_ *testing.T, s *Subject) { s.Facts.Operator.LastDeployed = 0 }},
		{name: "an old image is gone", want: Warn, line: "running image registry.example.com:5000/aistor/operator:RELEASE.2026-07-14T19-42-05Z cannot be pulled", change: func(_ *testing.T, s *Subject) {
			s.Facts.Pods[0].Containers[0].Image = private + "/aistor/operator:" + oldOp
		}},
		{name: "the registry is not reachable from this machine", want: Pass, details: []string{"were not checked"}, change: func(_ *testing.T, s *Subject) { s.Registry = nil }},
	})
}

func TestBundleIntact(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "bundle-intact", []checkCase{
		{name: "whole", want: Pass, line: "every byte"},
		{name: "damaged", want: Fail, line: "2 places are damaged", remedy: "copy the file again",
			change: func(_ *testing.T, s *Subject) { s.Bundle = fakeBundle{err: errors.New("2 places are damaged")} }},
		{name: "in a registry", want: Skip, change: func(_ *testing.T, s *Subject) { s.Bundle = fakeBundle{none: true} }},
		{name: "none", want: Skip, change: func(_ *testing.T, s *Subject) { s.Bundle = nil }},
	})
}

func TestKES(t *testing.T) {
	t.Parallel()
	with := func(ready ...bool) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			s.Facts.Stores[0].KES = true
			for _, r := range ready {
				s.Facts.Pods = append(s.Facts.Pods, plan.Pod{Namespace: "tenant", Name: "kes", Ready: r, Containers: []plan.Container{{Name: "kes"}}})
			}
		}
	}
	runCases(t, PreUpgradeChecks(), "kes", []checkCase{
		{name: "no store uses it", want: Skip},
		{name: "one of two is ready", want: Pass, change: with(true, false)},
		{name: "none is ready", want: Fail, line: "none of its 2 KES pods is ready", change: with(false, false)},
		{name: "another store's is ready", want: Warn, line: "no KES pod was found", change: func(t *testing.T, s *Subject) {
			with(true)(t, s)
			s.Facts.Pods[len(s.Facts.Pods)-1].Store = "tenant/other"
		}},
		{name: "none is found", want: Warn, line: "no KES pod was found", change: with()},
	})
}

func TestDrainTime(t *testing.T) {
	t.Parallel()
	drain := func(d time.Duration) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) { s.Facts.Stores[0].RollingTimeout = d }
	}
	runCases(t, PreUpgradeChecks(), "drain-time", []checkCase{
		{name: "the default", want: Pass},
		{name: "long", want: Pass, change: drain(10 * time.Minute), details: []string{"at most 2400 s"}},
		{name: "short", want: Warn, change: drain(5 * time.Second), line: "requests are cut off 5 s after a restart begins", remedy: "rollingTimeoutSeconds"},
	})
}

func TestReleaseTags(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "release-tags", []checkCase{
		{name: "a release", want: Pass},
		{name: "another tag", want: Warn, line: "the tag is not a release", change: func(_ *testing.T, s *Subject) { s.Plan.Images[0].Private.Tag = "latest" }},
		{name: "only a digest", want: Warn, observed: "no tag", change: func(_ *testing.T, s *Subject) { s.Plan.Images[0].Private.Tag = "" }},
		{name: "no servers", want: Skip, change: func(_ *testing.T, s *Subject) { s.Plan.Images = s.Plan.Images[2:] }},
	})
}
