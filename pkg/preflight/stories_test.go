package preflight

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// What went wrong for people, each told by a check with the reason. Two kinds
// of stories are not here, for they make no plan at all: values that a chart
// itself refuses (a configuration mismatch, default credentials), which render
// as an error before any check, and what only a running operator does.
func TestEveryFailureStoryIsToldBeforehand(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	license := func(token string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			s.Inputs, s.Plan = nil, nil
			s.Facts.License.Token = plan.Sensitive(token)
		}
	}
	stories := []struct {
		story, check string
		change       func(*testing.T, *Subject)
		line         string
	}{
		{"an upgrade stops half way: cannot change roleRef", "roleref-immutable",
			func(_ *testing.T, s *Subject) { s.Facts.Bindings[0].RoleName = "aistor-objectstore" }, "aistor-op"},
		{"pods keep the old image: no such host object-store-operator", "operator-service",
			func(_ *testing.T, s *Subject) { s.Facts.Services = s.Facts.Services[1:] }, "missing"},
		{"the update is refused: the pull secret names the registry without its port", "pull-secrets-valid",
			tenantSecret(func(p *plan.PullSecret) {
				p.Data = dockerConfig(map[string]string{strings.TrimSuffix(private, ":5000"): "puller:hunter2"})
			}), "no entry for " + private},
		{"the update is refused: the tag is no release", "release-tags",
			func(_ *testing.T, s *Subject) { s.Plan.Images[0].Private.Tag = "edge" }, "the tag is not a release"},
		{"ImagePullBackOff on the sidecar although the server's image is there", "images-present", removeImage("minio-sidecar:" + minioR), "minio-sidecar"},
		{"ImagePullBackOff in one namespace: the secret is only in the operator's", "pull-secrets-present",
			tenantSecret(func(p *plan.PullSecret) { p.Present = false }), "tenant/pull"},
		{"ImagePullBackOff: the password was changed", "pull-secrets-accepted",
			secretContent(dockerConfig(map[string]string{private: "puller:old"})), "401"},
		{"ImagePullBackOff: the nodes don't trust the registry", CheckPullTest, nodesSay(KindTLS), "does not trust"},
		{"all pods restart when the operator is upgraded", "downtime", func(_ *testing.T, s *Subject) {
			s.Plan.Steps[0].Restarts = []plan.Restart{{Store: "tenant/primary", Pods: 4, Strategy: plan.AllAtOnce, Selected: true, Why: "sidecar"}}
		}, "all 4 pods at the same time"},
		{"the license is the blob that was mailed", "license", license(base64.StdEncoding.EncodeToString([]byte(licenseToken(day)))), "base64"},
		{"the license has expired, and nobody renews it across an airgap", "license", license(licenseToken(-31 * day)), "expired"},
		{"the license is deleted, for the values forgot it", "license-removal", func(t *testing.T, s *Subject) {
			docs := operatorDocs(newOp)
			s.Inputs.Operator[0].After = mustParseObjects(t, append(docs[:4:4], docs[5:]...)...)
		}, "minio-license"},
		{"pods can't be created: the webhook has no certificate", "webhook-ready",
			func(_ *testing.T, s *Subject) { s.Facts.Webhooks[0].CABundle = 0 }, "caBundle is empty"},
		{"exists and cannot be imported into the current release", "ownership",
			func(_ *testing.T, s *Subject) { s.Facts.License.Release = "" }, "belongs to nobody"},
		{"all object stores are gone with their definition", "crd-removal", func(t *testing.T, s *Subject) {
			docs := operatorDocs(newOp)
			s.Inputs.Operator[0].After = mustParseObjects(t, docs[:len(docs)-1]...)
			s.Inputs.Operator[0].Before = mustParseObjects(t, append(operatorDocs(oldOp)[:6:6], strings.Replace(crdDoc(), "helm.sh/resource-policy: keep", "a: b", 1))...)
		}, "objectstores.aistor.min.io"},
		{"the upgrade went well and nothing changed: old values were kept", "operator-image",
			func(t *testing.T, s *Subject) {
				s.Inputs.Operator[0].After[0] = mustParseObject(t, strings.Replace(operatorDocs(newOp)[0], "operator:"+newOp, "operator:"+oldOp, 1))
			}, oldOp},
		{"another operation is in progress", "releases-settled",
			func(_ *testing.T, s *Subject) { s.Facts.Operator.Status = "pending-upgrade" }, "pending-upgrade"},
		{"the release's record is too long", "release-size",
			func(_ *testing.T, s *Subject) { s.Facts.Operator.RecordBytes = 1 << 20 }, "aistor/aistor"},
		{"a field is gone without an error", "crd-fields", func(t *testing.T, s *Subject) {
			s.Facts.Stores[0].Object = mustParseObject(t, storeDoc(`, gone: {a: b}`))
			s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(`, gone: {a: b}`))
		}, "spec.gone"},
		{"exec format error: one platform was copied", "node-platforms",
			func(_ *testing.T, s *Subject) { s.Facts.Nodes[1].Platform = "linux/s390x" }, "s390x"},
		{"the digest changed on the way", "images-present",
			func(_ *testing.T, s *Subject) { s.Plan.Images[0].Digest = digestB }, "the bundle " + digestB},
		{"the mirror serves a chart of 2025 as the newest", "chart-name", func(_ *testing.T, s *Subject) {
			s.Inputs.Operator[0].To = plan.ChartRef{Name: "aistor-objectstore-operator", Version: "5.1.0"}
		}, "is discontinued"},
		{"the image of a store is an older one than what runs", "downgrade", func(_ *testing.T, s *Subject) {
			s.Inputs.Operator[0].From.Version = "5.11.0"
		}, "would be downgraded"},
	}
	for _, st := range stories {
		t.Run(st.story, func(t *testing.T) {
			t.Parallel()
			s := readySubject(t)
			st.change(t, s)
			r := Run(t.Context(), PreUpgradeChecks(), s, Options{Only: []string{st.check}}).Results[0]
			if r.Status != Fail && r.Status != Warn {
				t.Fatalf("%s: received %s: %s", st.check, r.Status, r.Message)
			}
			if !strings.Contains(r.Message+strings.Join(r.Details, "\n")+r.Observed, st.line) {
				t.Errorf("%s: received %q, expected it to say %q", st.check, r.Message, st.line)
			}
			if r.Remedy == "" {
				t.Errorf("%s: nothing helps", st.check)
			}
		})
	}
}
