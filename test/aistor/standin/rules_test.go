package standin

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhichReleasesRestartEveryPodAtOnce(t *testing.T) {
	t.Parallel()
	const border = "RELEASE.2025-12-20T04-58-37Z"
	for _, test := range []struct {
		name, from, to string
		want           bool
	}{
		{name: "up to the border", from: "RELEASE.2025-10-17T06-17-41Z", to: border, want: true},
		{name: "both before", from: "RELEASE.2025-05-14T05-01-13Z", to: "RELEASE.2025-08-13T17-08-54Z", want: true},
		{name: "back over the border", from: border, to: "RELEASE.2025-10-17T06-17-41Z", want: true},
		{name: "both after", from: border, to: "RELEASE.2026-06-06T02-44-06Z"},
		{name: "same", from: "RELEASE.2025-05-14T05-01-13Z", to: "RELEASE.2025-05-14T05-01-13Z"},
		{name: "suffixes", from: "RELEASE.2025-10-17T06-17-41Z.hotfix.a1", to: "RELEASE.2026-06-06T02-44-06Z.fips", want: true},
		{name: "no release", from: "latest", to: border},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := crosses(test.from, test.to); got != test.want {
				t.Errorf("crosses(%q, %q) = %v", test.from, test.to, got)
			}
		})
	}
}

func TestHealthFollowsWriteQuorum(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		pools []PoolHealth
		want  string
	}{
		{name: "all up", pools: []PoolHealth{{4, 4, 4}}, want: "green"},
		{name: "one of four down", pools: []PoolHealth{{4, 4, 3}}, want: "yellow"},
		{name: "two of four down", pools: []PoolHealth{{4, 4, 2}}, want: "red"},
		{name: "single server down", pools: []PoolHealth{{1, 1, 0}}, want: "red"},
		{name: "two of eight down", pools: []PoolHealth{{8, 8, 6}}, want: "yellow"},
		{name: "three of eight down", pools: []PoolHealth{{8, 8, 5}}, want: "red"},
		{name: "one pool lost", pools: []PoolHealth{{4, 4, 4}, {4, 4, 0}}, want: "red"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := Health(test.pools); got != test.want {
				t.Errorf("health is %s, want %s", got, test.want)
			}
		})
	}
}

func TestSwitchesReadLive(t *testing.T) {
	t.Parallel()
	from := func(all map[string]string) func(string) string { return func(key string) string { return all[key] } }
	env := environment(from(map[string]string{"STANDIN_ROLLOUT": "all-at-once", "STANDIN_COPYPULLSECRETS": "true"}))
	got := DefaultSwitches().With(env).With(from(map[string]string{
		"rollout": "one-by-one", "updateStrategy": "nonsense", "restartOnConfigMap": "false", "healing": "30", "paused": "true"}))
	want := Switches{ConfigMapDelay: 3 * time.Second, Rollout: "one-by-one", UpdateStrategy: "RollingUpdate", CopyPullSecrets: true, Healing: 30 * time.Second, Paused: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("switches (-want +got):\n%s", diff)
	}
}

func TestOnlyAChangedStoreRollsWhereTheConfigMapMustNot(t *testing.T) {
	t.Parallel()
	store := parse(t, storeText)
	pool := store.List("spec", "pools")[0]
	config := testConfig(t)
	current := DesiredStatefulSet(store, pool, config, DefaultSwitches())
	config["minio-sidecar"] = ImageConfig{Image: "r/minio-sidecar:other"}
	byConfig := DesiredStatefulSet(store, pool, config, DefaultSwitches())
	changed := store.Copy()
	changed.Annotate("aistor.min.io/helm-chart-version", "aistor-objectstore-1.0.16")
	byStore := DesiredStatefulSet(changed, pool, config, DefaultSwitches())
	calm := DefaultSwitches()
	calm.RestartOnConfigMap = false
	got := []bool{
		(&run{switches: DefaultSwitches()}).changed(current, byConfig),
		(&run{switches: calm}).changed(current, byConfig),
		(&run{switches: calm}).changed(current, byStore),
		(&run{switches: calm}).changed(current, current),
	}
	if diff := cmp.Diff([]bool{true, false, true, false}, got); diff != "" {
		t.Errorf("rolls (-want +got):\n%s", diff)
	}
}

func TestOutdatedPodsComeHighestOrdinalFirst(t *testing.T) {
	t.Parallel()
	set := parse(t, `
metadata: {uid: s, generation: 2}
status: {observedGeneration: 2, updateRevision: new}`)
	pods := []Object{
		parse(t, `metadata: {name: p-9, labels: {controller-revision-hash: old}, ownerReferences: [{uid: s}]}`),
		parse(t, `metadata: {name: p-10, labels: {controller-revision-hash: old}, ownerReferences: [{uid: s}]}`),
		parse(t, `metadata: {name: p-11, labels: {controller-revision-hash: new}, ownerReferences: [{uid: s}]}`),
		parse(t, `metadata: {name: p-12, deletionTimestamp: now, labels: {controller-revision-hash: old}, ownerReferences: [{uid: s}]}`),
		parse(t, `metadata: {name: q-1, labels: {controller-revision-hash: old}, ownerReferences: [{uid: other}]}`),
	}
	var got []string
	for _, pod := range outdated(set, pods) {
		got = append(got, pod.Name())
	}
	if diff := cmp.Diff([]string{"p-10", "p-9"}, got); diff != "" {
		t.Errorf("outdated (-want +got):\n%s", diff)
	}
	set.Map("metadata")["generation"] = 3.0
	if got := outdated(set, pods); got != nil {
		t.Errorf("pods are outdated before the controller saw the template: %v", got)
	}
}

func TestHealingCountsFreshlyRestartedPods(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 20, 0, time.UTC)
	set := parse(t, `{metadata: {annotations: {standin.aistor.min.io/rolled-at: x}}, status: {updateRevision: new}}`)
	pod := parse(t, `
metadata: {labels: {controller-revision-hash: new}}
status: {conditions: [{type: Ready, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z"}]}`)
	for seconds, want := range map[time.Duration]int{0: 0, 19 * time.Second: 0, 21 * time.Second: 1} {
		r := &run{Operator: &Operator{Now: func() time.Time { return now }}, switches: Switches{Healing: seconds}}
		if got := r.healing(set, []Object{pod}); got != want {
			t.Errorf("healing for %s: %d pods, want %d", seconds, got, want)
		}
	}
}

func TestLicenseExpiry(t *testing.T) {
	t.Parallel()
	secret := func(claims string) Object {
		jwt := "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
		return Object{"data": map[string]any{"minio.license": base64.StdEncoding.EncodeToString([]byte(jwt))}}
	}
	if at, ok := expiry(secret(`{"exp":1893456000}`)); !ok || at.Year() != 2030 {
		t.Errorf("expiry is %v, %v", at, ok)
	}
	for name, s := range map[string]Object{"free plan": secret(`{}`), "no license": {}} {
		if _, ok := expiry(s); ok {
			t.Errorf("%s expires", name)
		}
	}
}

func TestARunningOperatorWaitsBeforeItActsOnAChangedConfigMap(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	one, two := Config{"minio": {Image: "one"}}, Config{"minio": {Image: "two"}}
	var config settled
	var got []string
	for _, look := range []struct {
		at   time.Duration
		seen Config
	}{{0, one}, {time.Second, two}, {3 * time.Second, two}, {4 * time.Second, two}, {5 * time.Second, one}, {6 * time.Second, two}, {7 * time.Second, two}} {
		got = append(got, config.take(look.seen, 3*time.Second, start.Add(look.at))["minio"].Image)
	}
	if diff := cmp.Diff([]string{"one", "one", "one", "two", "two", "two", "two"}, got); diff != "" {
		t.Errorf("configuration in use (-want +got):\n%s", diff)
	}
}
