package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// realMinIO are the values with which the operator's stand-in makes a store of
// real servers: what the real operator's sidecar tells them is said here.
const realMinIO = `objectStore:
  certificates: {disableAutoCert: true}
  env:
  - {name: MINIO_VOLUMES, value: "http://primary-pool-0-{0...3}.primary-hl.team-a.svc.cluster.local:9000/export"}
  - {name: MINIO_CI_CD, value: "1"} # volumes on the root disk
  - {name: MINIO_ROOT_USER, value: planted-access-key}
  - {name: MINIO_ROOT_PASSWORD, value: planted-secret-key}
`

const (
	// probePeriod is the time between two probes of the watch.
	probePeriod = time.Second
	// oneRequest is how long a request takes at most that is refused.
	oneRequest = time.Second
)

// Four real MinIO servers, pulled and run, with a client that writes and reads
// all the while: what the watch says about availability is what the client saw,
// where all servers restart at once and where they go one by one.
func TestAvailabilityIsWhatAClientSees(t *testing.T) {
	if os.Getenv("AISTOR_LONG") == "" || os.Getenv("AISTOR_TEST_REAL_NODE") == "" {
		t.Skip("builds and runs MinIO servers on a real node: only with AISTOR_LONG=1 and AISTOR_TEST_REAL_NODE=1, as root on Debian")
	}
	s, server := newRealStore(t)
	client := newTraffic(t, s.run("kubectl", "get", "service", "minio", "-n", "team-a", "-o", "jsonpath={.spec.clusterIP}"))
	for _, c := range []struct {
		name, from, operator, store string
		// lowest is the fewest servers that are ready, out whether clients are.
		lowest int
		out    bool
	}{
		{"all at once", "5.1.0", "5.6.4", "1.0.13", 0, true},
		{"one by one", "5.6.4", "5.8.0", "1.0.16", 3, false},
	} {
		began := time.Now()
		a := s.upgradeReal(server, c.from, c.operator, c.store)
		saw, trace := client.outages(began, time.Now())
		t.Logf("%s: the watch: %d of %d ready, %d of %d probes failed, %s in %s\nthe client: %s\n%s",
			c.name, a.LowestReady, a.Pods, a.Failed, a.Probes, a.Unavailable, spans(a.Outages), spans(saw), trace)
		if !a.Known || a.LowestReady != c.lowest {
			t.Errorf("%s: the store was asked: %t, at least %d ready; expected true, %d", c.name, a.Known, a.LowestReady, c.lowest)
		}
		watched, met := noticeable(a.Outages), noticeable(saw)
		if len(met) > 0 != c.out {
			t.Errorf("%s: the client met %s", c.name, spans(met))
		}
		if !slices.EqualFunc(watched, met, sameOutage) {
			t.Errorf("%s: the watch saw %s, the client %s", c.name, spans(watched), spans(met))
		}
	}
}

// noticeable are the outages that are longer than what lies between two probes.
func noticeable(list []outage) []outage {
	return slices.DeleteFunc(slices.Clone(list), func(o outage) bool { return o.lasted() <= probePeriod+oneRequest })
}

// sameOutage compares both ends: a probe sees each late by a period at most, a
// client by a request.
func sameOutage(a, b outage) bool {
	const most = probePeriod + oneRequest
	return a.From.Sub(b.From).Abs() <= most && a.To.Sub(b.To).Abs() <= most
}

func spans(list []outage) string {
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, " %s+%s", o.From.UTC().Format("15:04:05.0"), o.lasted().Round(100*time.Millisecond))
	}
	return "[" + strings.TrimSpace(b.String()) + "]"
}

// newRealStore is a site with a store of four real servers, and their program.
func newRealStore(t *testing.T) (*site, string) {
	t.Helper()
	s := newRealSite(t)
	server := filepath.Join(strings.TrimSpace(s.run("lab", "tools", "minio")), "minio")
	volumes := s.command("standin", "volumes")
	if err := volumes.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = volumes.Process.Kill()
		_ = volumes.Wait()
	})
	t.Cleanup(s.removeVolumes)
	// As documented of the real operator, the next server goes when the one
	// before is well again: the servers need some seconds to find each other.
	s.run("kubectl", "create", "namespace", "aistor")
	s.run("kubectl", "create", "configmap", "standin", "-n", "aistor", "--from-literal=updateStrategy=OnDelete", "--from-literal=healing=20")
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.1.0", "--store", "1.0.9", "--program", "minio="+server,
		"--operator-values", s.write("operator.yaml", "{global: {operator: {resources: {requests: {ephemeral-storage: null}}}}}"),
		"--store-values", s.write("store.yaml", realMinIO), "team-a/primary=4")
	return s, server
}

// availability is what a report says about a store.
type availability struct {
	Pods, LowestReady, Probes, Failed int
	Known                             bool
	Unavailable                       string
	Outages                           []outage
}

// upgradeReal carries an upgrade out whose images hold the real server.
func (s *site) upgradeReal(server, from, operator, store string) availability {
	s.t.Helper()
	file := operator + ".bundle"
	s.bundle(file, from, operator, store, "--program", "minio="+server)
	s.withPassword("helm-aistor", "upgrade", "--yes", "--bundle", file, "--accept-downtime", "team-a/primary", "--report", operator+".json",
		"--ca", s.env["PRIVATE_CA"], "--registry-user", s.env["PRIVATE_USER"], "--password-stdin")
	b, err := os.ReadFile(filepath.Join(s.dir, operator+".json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var report struct{ Availability []availability }
	if err := json.Unmarshal(b, &report); err != nil || len(report.Availability) != 1 {
		s.t.Fatalf("reading the report: %v, %d stores", err, len(report.Availability))
	}
	return report.Availability[0]
}

// removeVolumes takes away what the store wrote to the machine's disk.
func (s *site) removeVolumes() {
	for _, dir := range strings.Fields(s.run("kubectl", "get", "pv", "-o", "jsonpath={.items[*].spec.hostPath.path}")) {
		if strings.HasPrefix(dir, "/var/lib/standin/standin-") {
			_ = os.RemoveAll(dir)
		}
	}
}
