package chart

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
)

// Release is one revision of a Helm release, as its record says.
//
// Values, Manifest and Chart may hold secrets; they are left out of JSON.
type Release struct {
	Name         string    `json:"name"`
	Namespace    string    `json:"namespace"`
	ChartName    string    `json:"chartName"`
	ChartVersion string    `json:"chartVersion"`
	AppVersion   string    `json:"appVersion,omitempty"`
	Revision     int       `json:"revision"`
	Status       string    `json:"status"`
	Updated      time.Time `json:"updated"`
	// Created is when the API server created the record's Secret; zero where
	// it is not known.
	Created     time.Time `json:"created,omitzero"`
	Description string    `json:"description,omitempty"`
	// ApplyMethod is "ssa" where Helm 4 applied it server-side, "csa" where
	// Helm 4 applied it client-side, empty from Helm 3, which drops it.
	ApplyMethod string `json:"applyMethod,omitempty"`
	// SecretName is the record's Secret and RecordBytes the size of its data,
	// of which an API server takes at most 1 MiB.
	SecretName  string `json:"secretName"`
	RecordBytes int    `json:"recordBytes"`

	// Values are the user's alone.
	Values map[string]any `json:"-"`
	// Manifest is what was applied, hooks excepted.
	Manifest string `json:"-"`
	// Chart is the chart that was installed, without its archive; nil where
	// the record has none. It renders like any other.
	Chart *Chart `json:"-"`
}

// Statuses of a release, as Helm writes them.
const (
	StatusDeployed        = "deployed"
	StatusFailed          = "failed"
	StatusSuperseded      = "superseded"
	StatusUninstalled     = "uninstalled"
	StatusUninstalling    = "uninstalling"
	StatusPendingInstall  = "pending-install"
	StatusPendingUpgrade  = "pending-upgrade"
	StatusPendingRollback = "pending-rollback"
)

// IsPending reports whether Helm was, or is, in the middle of something: no
// other operation starts before that ends or is marked failed.
func (r *Release) IsPending() bool { return strings.HasPrefix(r.Status, "pending-") }

// recordLimit bounds what a record may unpack to: an API server takes 1 MiB of
// it, and a chart compresses well, but not more than a thousandfold.
const recordLimit = 256 << 20

// record is the part of Helm's record that is of use here. It is read without
// Helm's own type, which drops what Helm 4 adds.
type record struct {
	Name        string          `json:"name"`
	Namespace   string          `json:"namespace"`
	Version     int             `json:"version"`
	Manifest    string          `json:"manifest"`
	Config      map[string]any  `json:"config"`
	Chart       json.RawMessage `json:"chart"`
	ApplyMethod string          `json:"apply_method"`
	Info        struct {
		Status      string `json:"status"`
		Description string `json:"description"`
		// LastDeployed is empty, not null, in a record that never was.
		LastDeployed string `json:"last_deployed"`
	} `json:"info"`
}

// DecodeRelease reads the "release" field of a release Secret, as the API
// gives it or with the Secret's own base64 still around it. It needs no
// cluster.
func DecodeRelease(secretData []byte) (*Release, error) {
	raw, err := unpackRecord(secretData)
	if err != nil {
		return nil, fmt.Errorf("decoding release record: %w", err)
	}
	var rec record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return nil, fmt.Errorf("decoding release record: %w", err)
	}
	r := &Release{
		Name: rec.Name, Namespace: rec.Namespace, Revision: rec.Version, Status: rec.Info.Status,
		Description: rec.Info.Description, ApplyMethod: rec.ApplyMethod,
		Values: rec.Config, Manifest: rec.Manifest,
		SecretName: SecretName(rec.Name, rec.Version), RecordBytes: len(secretData),
	}
	if r.Values == nil {
		r.Values = map[string]any{}
	}
	r.Updated, _ = time.Parse(time.RFC3339Nano, rec.Info.LastDeployed)
	r.Chart = chartOfRecord(rec.Chart)
	if r.Chart != nil {
		r.ChartName, r.ChartVersion, r.AppVersion = r.Chart.Name, r.Chart.Version, r.Chart.AppVersion
	}
	return r, nil
}

// SecretName is the Secret that Helm keeps a revision in.
func SecretName(release string, revision int) string {
	return fmt.Sprintf("sh.helm.release.v1.%s.v%d", release, revision)
}

func chartOfRecord(raw json.RawMessage) *Chart {
	parsed := new(chart.Chart)
	if len(raw) == 0 || json.Unmarshal(raw, parsed) != nil || parsed.Metadata == nil {
		return nil
	}
	return newChart(parsed)
}

func unpackRecord(data []byte) ([]byte, error) {
	zipped := []byte{0x1f, 0x8b, 0x08}
	for range 2 {
		if bytes.HasPrefix(data, zipped) || bytes.HasPrefix(data, []byte("{")) {
			break
		}
		decoded, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(data)))
		if err != nil {
			return nil, errors.New("it is not base64")
		}
		data = decoded
	}
	if !bytes.HasPrefix(data, zipped) {
		return data, nil
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(zr, recordLimit+1))
	if err != nil {
		return nil, err
	}
	if len(out) > recordLimit {
		return nil, fmt.Errorf("it unpacks to more than %d MiB", recordLimit>>20)
	}
	return out, nil
}

// packRecord is the reverse of unpackRecord, as Helm writes it.
func packRecord(raw []byte) ([]byte, error) {
	var zipped bytes.Buffer
	zw, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zw.Write(raw); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return []byte(base64.StdEncoding.EncodeToString(zipped.Bytes())), nil
}
