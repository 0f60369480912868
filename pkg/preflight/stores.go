package preflight

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// healthGreen is the store's own word for all drives online.
const healthGreen = "green"

func checkStores(_ context.Context, s *Subject) Result {
	if len(s.Facts.Stores) == 0 {
		return skipResult("no object stores")
	}
	var f findings
	servers, drives := 0, 0
	for _, st := range s.Facts.Stores {
		evaluateStore(&f, st)
		servers += st.ServerCount()
		drives += st.DrivesOnline
	}
	return f.buildResult("%s green, with %s and %s online", plural.CountIs(len(s.Facts.Stores), "object store"), plural.Count(servers, "server"), plural.Count(drives, "drive"))
}

func evaluateStore(f *findings, st plan.Store) {
	k := storeKey(st)
	look := describeCommand(k)
	if st.Health != healthGreen {
		line := fmt.Sprintf("object store %s: health is %s", st.Key(), cmp.Or(strings.TrimSpace(st.Health), "not reported"))
		if why := cmp.Or(strings.TrimSpace(st.Message), st.State); why != "" {
			line += " (" + why + ")"
		}
		f.addFailure(k, "%s", line).setDetails(cmp.Or(strings.TrimSpace(st.Health), "none"), healthGreen, look)
	}
	if st.DrivesOffline > 0 {
		f.addFailure(k, "object store %s: %s offline", st.Key(), plural.CountIs(st.DrivesOffline, "drive")).
			setDetails(fmt.Sprintf("%d offline", st.DrivesOffline), "0 offline", look)
	}
	if st.DrivesHealing > 0 {
		f.addFailure(k, "object store %s: %s healing; a restart now reduces redundancy", st.Key(), plural.CountIs(st.DrivesHealing, "drive")).
			setDetails(fmt.Sprintf("%d healing", st.DrivesHealing), "0 healing", look)
	}
	for _, p := range st.Pools {
		if p.State != "" && p.State != "PoolInitialized" {
			f.addFailure(k, "object store %s: pool %s is %s", st.Key(), p.Name, p.State).setDetails(p.State, "PoolInitialized", look)
		}
	}
}
