package preflight

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// healthy is the store's own word for all drives online.
const healthy = "green"

func checkStores(_ context.Context, s *Subject) Result {
	if len(s.Facts.Stores) == 0 {
		return skip("no object stores")
	}
	var f findings
	servers, drives := 0, 0
	for _, st := range s.Facts.Stores {
		judgeStore(&f, st)
		servers += st.Servers()
		drives += st.Online
	}
	return f.result("%s green, with %s and %s online", words.Are(len(s.Facts.Stores), "object store"), words.Count(servers, "server"), words.Count(drives, "drive"))
}

func judgeStore(f *findings, st plan.Store) {
	k := storeKey(st)
	look := describe(k)
	if st.Health != healthy {
		line := fmt.Sprintf("object store %s: health is %s", st.Key(), orElse(st.Health, "not reported"))
		if why := orElse(st.Message, st.State); why != "" {
			line += " (" + why + ")"
		}
		f.fail(k, "%s", line).wanted(orElse(st.Health, "none"), healthy, look)
	}
	if st.Offline > 0 {
		f.fail(k, "object store %s: %s offline", st.Key(), words.Are(st.Offline, "drive")).
			wanted(fmt.Sprintf("%d offline", st.Offline), "0 offline", look)
	}
	if st.Healing > 0 {
		f.fail(k, "object store %s: %s healing, and a restart now costs redundancy", st.Key(), words.Are(st.Healing, "drive")).
			wanted(fmt.Sprintf("%d healing", st.Healing), "0 healing", look)
	}
	for _, p := range st.Pools {
		if p.State != "" && p.State != "PoolInitialized" {
			f.fail(k, "object store %s: pool %s is %s", st.Key(), p.Name, p.State).wanted(p.State, "PoolInitialized", look)
		}
	}
}
