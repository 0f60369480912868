package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestFactsOfASite(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 2)
	c := a.newClient()
	f, err := c.Facts(t.Context(), Scope{Events: true})
	if err != nil {
		t.Fatal(err)
	}
	// What is known only after the first look does not cost a second one, and
	// what already exists nothing.
	want := []plan.ObjectKey{{Kind: "Secret", Namespace: "team-a", Name: "wanted"}, {Kind: "Secret", Namespace: "aistor", Name: "private-repo-pull-secret"}}
	for range 2 {
		if err := c.AddSecrets(t.Context(), f, want); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"identity", []string{f.Context, f.ClusterUID, f.ServerVersion, f.User}, []string{"lab", "cluster-1", "v1.36.3", "me"}},
		{"gaps", f.Gaps, []plan.Gap(nil)},
		{"nodes", f.Nodes, []plan.Node{{Name: "node-1", Platform: "linux/arm64", Ready: true, Cordoned: true, Taints: []string{"disk=nvme:NoSchedule"}}}},
		{"workloads", namesOf(f.Workloads, func(w plan.Workload) string { return w.String() + " of " + w.Store }),
			[]string{"Deployment/aistor/object-store-operator of ", "StatefulSet/team-a/primary-pool-0 of team-a/primary"}},
		{"pods", namesOf(f.Pods, func(p plan.Pod) string { return p.Name + " of " + p.Store + " by " + p.Owner }), []string{
			"object-store-operator-abc of  by ReplicaSet/object-store-operator-5",
			"primary-pool-0-0 of team-a/primary by StatefulSet/primary-pool-0", "primary-pool-0-1 of team-a/primary by StatefulSet/primary-pool-0"}},
		{"claims", namesOf(f.Claims, func(c plan.Claim) string { return c.Name + " " + c.Phase }),
			[]string{"data0-primary-pool-0-0 Bound", "data1-by-label Pending"}},
		{"services", f.Services, []plan.Service{
			{Namespace: "aistor", Name: "object-store-operator", Type: "ClusterIP", Ports: []int{4221}},
			{Namespace: "team-a", Name: "minio", Type: "ClusterIP", Ports: []int{443}, Ready: 2}}},
		{"bindings", namesOf(f.Bindings, func(b plan.Binding) string { return b.String() + " -> " + b.RoleName + " of " + b.Release }), []string{
			"ClusterRoleBinding/aistor-object-store -> aistor-objectstore of aistor/aistor",
			"RoleBinding/aistor/object-store-operator -> object-store-operator of aistor/aistor"}},
		{"definitions", namesOf(f.CRDs, func(c plan.CRD) string {
			return fmt.Sprintf("%s %t %t %s %v %v", c.Name, c.Established, c.Keep, c.Release, c.Served, c.Stored)
		}), []string{"objectstores.aistor.min.io true true aistor/aistor [v1] [v1]", "policybindings.sts.min.io false false  [] []"}},
		{"webhooks", f.Webhooks, []plan.Webhook{{Configuration: "object-store-operator-webhook", Name: "objectstore-rack-selector.min.io",
			CABundle: 4, FailurePolicy: "Fail", Service: "aistor/object-store-webhook"}}},
		{"pull secrets", namesOf(f.PullSecrets, func(s plan.PullSecret) string {
			return fmt.Sprintf("%s/%s %t %d", s.Namespace, s.Name, s.Present, len(s.Data))
		}), []string{
			"aistor/account-secret false 0", "aistor/private-repo-pull-secret true 12", "team-a/missing false 0",
			"team-a/store-secret true 35", "team-a/wanted false 0"}},
		{"accounts", f.ServiceAccounts, []plan.ServiceAccount{{Namespace: "aistor", Name: "object-store", PullSecrets: []string{"account-secret"}}}},
		{"license", string(f.License.Token), "eyJ.t0ken"},
		{"budgets", f.DisruptionBudgets, []plan.DisruptionBudget{{Namespace: "team-a", Name: "primary", DisruptionsAllowed: 1}}},
		{"warnings", namesOf(f.WarningEvents, func(e plan.Event) string { return e.Object.Name + " " + e.Reason }), []string{"primary-pool-0-3 BackOff"}},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("%s (-expected +received):\n%s", tt.what, d)
		}
	}
	shown, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"t0ken", "t0ps3cret"} {
		if strings.Contains(string(shown), s) || strings.Contains(fmt.Sprintf("%+v", *f.License), s) {
			t.Errorf("facts show the secret %q", s)
		}
	}
}

func TestNewestRevisionOfEachReleaseIsRead(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	f, err := a.newClient().Facts(t.Context(), Scope{})
	if err != nil {
		t.Fatal(err)
	}
	show := func(r plan.InstalledRelease) string {
		return fmt.Sprintf("%s/%s %s-%s v%d %s, last v%d %s", r.Namespace, r.Name, r.Chart, r.Version, r.Revision, r.Status, r.LastDeployed, r.LastVersion)
	}
	if f.Operator == nil {
		t.Fatal("no operator release was found")
	}
	got := append([]string{show(*f.Operator)}, namesOf(f.Releases, show)...)
	want := []string{
		"aistor/aistor aistor-operator-5.10.0 v10 pending-upgrade, last v2 5.8.0",
		"team-a/primary-object-store aistor-objectstore-1.0.16 v3 failed, last v2 1.0.13",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("releases (-expected +received):\n%s", d)
	}
	if f.Operator.Values["license"] != "eyJ.t0ken" || f.Operator.Manifest == "" || f.Operator.RecordBytes == 0 {
		t.Errorf("the record's content is missing: %d bytes", f.Operator.RecordBytes)
	}
	for _, r := range a.listRequests() {
		if strings.HasSuffix(r, "ingress.v1") || strings.HasSuffix(r, "aistor.v1") {
			t.Errorf("received a request for a record that says nothing: %s", r)
		}
	}
}

func TestRequestsDoNotGrowWithPods(t *testing.T) {
	t.Parallel()
	requests := func(pods int) (all, pages int) {
		a := newAPI(t)
		addSite(a, pods)
		f, err := a.newClient().Facts(t.Context(), Scope{Events: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Pods) != pods+1 {
			t.Fatalf("received %d pods, expected %d", len(f.Pods), pods+1)
		}
		return len(a.listRequests()), countRequests(a.listRequests(), " page")
	}
	few, fewPages := requests(10)
	many, manyPages := requests(1000)
	// With the pod of another product there are 1,001: three pages.
	if fewPages != 0 || manyPages != 2 {
		t.Errorf("received %d and %d further pages, expected 0 and 2", fewPages, manyPages)
	}
	if few != many-manyPages {
		t.Errorf("received %d requests at 10 pods and %d at 1,000 beside %d pages, expected the same", few, many-manyPages, manyPages)
	}
}

func TestManyNamespacesAreListedAtOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	for i := range 20 {
		a.addObjects(ofStores, fmt.Sprintf(`{"metadata":{"name":"s","namespace":"ns-%d"}}`, i))
	}
	if _, err := a.newClient().Facts(t.Context(), Scope{}); err != nil {
		t.Fatal(err)
	}
	if n := countRequests(a.listRequests(), "statefulsets"); n != 1 {
		t.Errorf("received %d lists of StatefulSets, expected one for the cluster", n)
	}
}

func TestListBeginsAgainWhenItsSnapshotExpired(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1000)
	a.expire = true
	f, err := a.newClient().Facts(t.Context(), Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Pods) != 1001 || len(f.Gaps) != 0 {
		t.Errorf("received %d pods and gaps %v, expected 1001 and none", len(f.Pods), f.Gaps)
	}
}

func TestWhatIsRefusedIsAGap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		deny  func(path string) bool
		scope Scope
		gaps  []string
		pods  int
	}{
		{"nodes", func(p string) bool { return p == "api/v1/nodes" }, Scope{}, []string{"nodes"}, 3},
		{"secrets", func(p string) bool { return strings.HasSuffix(p, "/secrets") }, Scope{},
			[]string{"helm releases in aistor", "helm releases in team-a"}, 3},
		{"one secret", func(p string) bool { return strings.HasSuffix(p, "/store-secret") }, Scope{}, []string{"secrets team-a/store-secret"}, 3},
		{"everything outside one namespace, named", func(p string) bool { return !strings.Contains(p, "/team-a/") && p != "version" },
			Scope{Namespaces: []string{"team-a"}, OperatorNamespace: "team-a"},
			[]string{"clusterrolebindings", "customresourcedefinitions", "mutatingwebhookconfigurations", "namespaces kube-system", "namespaces team-a", "nodes", "persistentvolumes"}, 2},
		{"everything outside the context's namespace", func(p string) bool { return !strings.Contains(p, "/team-a/") && p != "version" },
			Scope{OperatorNamespace: "team-a"},
			[]string{"clusterrolebindings", "customresourcedefinitions", "mutatingwebhookconfigurations", "namespaces kube-system", "namespaces team-a", "nodes",
				"objectstores in all namespaces", "persistentvolumes"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			addSite(a, 2)
			a.deny = tt.deny
			f, err := a.newClient().Facts(t.Context(), tt.scope)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.gaps, namesOf(f.Gaps, func(g plan.Gap) string { return g.Subject })); d != "" {
				t.Errorf("gaps (-expected +received):\n%s", d)
			}
			for _, g := range f.Gaps {
				if !g.Denied || g.Cause == "" {
					t.Errorf("received %+v, expected a denial with its cause", g)
				}
			}
			if len(f.Pods) != tt.pods || len(f.Stores) != 1 {
				t.Errorf("received %d pods and %d stores, expected %d and 1", len(f.Pods), len(f.Stores), tt.pods)
			}
		})
	}
}

func TestStoreKeepsWhatItsObjectSays(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 0)
	f, err := a.newClient().Facts(t.Context(), Scope{Namespaces: []string{"team-a"}})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Stores[0]
	if _, ok := s.Object["metadata"].(map[string]any)["managedFields"]; ok {
		t.Error("the object still carries managedFields")
	}
	got := []any{s.Release, s.Image.String(), s.ImagePullSecret, s.ServerCount(), s.Pools[0].StatefulSet, s.Pools[0].State, s.Health, s.State,
		s.DrivesOnline, s.DrivesOffline, s.DrivesHealing, s.Revision, s.RollingTimeout, s.LicenseExpires, s.KES, s.Firewall}
	want := []any{"primary-object-store", minioRef, "store-secret", 4, "primary-pool-0", "PoolInitialized", "green", "Initialized",
		16, 1, 2, 7, 15 * time.Minute, "2027-01-01", true, false}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("store (-expected +received):\n%s", d)
	}
	var paths []string
	for _, i := range s.Images {
		for _, r := range i.Reasons {
			paths = append(paths, r.Path)
		}
	}
	slices.Sort(paths)
	if d := cmp.Diff([]string{".spec.image", ".spec.kes.image", ".spec.sideCars.containers[0].image"}, paths); d != "" {
		t.Errorf("images (-expected +received):\n%s", d)
	}
}

func namesOf[T any](all []T, by func(T) string) []string {
	var out []string
	for _, x := range all {
		out = append(out, by(x))
	}
	return out
}

func TestStoreSecretsAreReadByNameAndGapsAreSaid(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	a.addObjects("api/v1/secrets", `{"metadata":{"name":"env","namespace":"team-a","annotations":{"helm.sh/resource-policy":"keep"}},"data":{"config.env":"eA=="}}`)
	a.deny = func(p string) bool { return strings.HasSuffix(p, "/closed") }
	f := &plan.Facts{}
	key := func(name string) plan.ObjectKey {
		return plan.ObjectKey{Kind: "Secret", Namespace: "team-a", Name: name}
	}
	if err := a.newClient().AddStoreSecrets(t.Context(), f, []plan.ObjectKey{key("env"), key("gone"), key("closed")}); err != nil {
		t.Fatal(err)
	}
	want := []plan.StoreSecret{
		{Namespace: "team-a", Name: "env", Present: true, Keep: true, Data: map[string]plan.Sensitive{"config.env": plan.Sensitive("x")}},
		{Namespace: "team-a", Name: "gone"},
	}
	if d := cmp.Diff(want, f.StoreSecrets); d != "" {
		t.Errorf("(-expected +received):\n%s", d)
	}
	if d := cmp.Diff([]string{"secrets team-a/closed"}, namesOf(f.Gaps, func(g plan.Gap) string { return g.Subject })); d != "" {
		t.Errorf("gaps (-expected +received):\n%s", d)
	}
}
