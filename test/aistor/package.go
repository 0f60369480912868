package aistor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Packed is one chart as a .tgz.
type Packed struct {
	Version
	// File is the .tgz's base name, Digest its sha256 in hex.
	File, Digest string
	// Data is the .tgz itself. The same source gives the same bytes.
	Data []byte
}

// Pack returns the chart as helm package would write it, without a clock in it.
func (v Version) Pack() (Packed, error) {
	files, err := v.Files()
	if err != nil {
		return Packed{}, err
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, file := range files {
		header := &tar.Header{Name: v.Chart + "/" + file.Path, Mode: 0o644, Size: int64(len(file.Data)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return Packed{}, fmt.Errorf("packing chart %q: %w", v.ID(), err)
		}
		if _, err := archive.Write(file.Data); err != nil {
			return Packed{}, fmt.Errorf("packing chart %q: %w", v.ID(), err)
		}
	}
	if err := archive.Close(); err != nil {
		return Packed{}, fmt.Errorf("packing chart %q: %w", v.ID(), err)
	}
	if err := zipped.Close(); err != nil {
		return Packed{}, fmt.Errorf("packing chart %q: %w", v.ID(), err)
	}
	sum := sha256.Sum256(out.Bytes())
	return Packed{Version: v, File: v.ID() + ".tgz", Digest: hex.EncodeToString(sum[:]), Data: out.Bytes()}, nil
}

// Package writes every fixture chart as dir/<name>-<version>.tgz, and
// dir/index.yaml so that the directory can be served as a chart repository. The
// directory is made where it is missing. The result is in the order of Versions.
func Package(dir string) ([]Packed, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making folder %q: %w", dir, err)
	}
	var all []Packed
	for _, v := range Versions() {
		packed, err := v.Pack()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, packed.File), packed.Data, 0o644); err != nil {
			return nil, fmt.Errorf("writing chart %q: %w", v.ID(), err)
		}
		all = append(all, packed)
	}
	if err := os.WriteFile(filepath.Join(dir, "index.yaml"), Index(all), 0o644); err != nil {
		return nil, fmt.Errorf("writing chart index: %w", err)
	}
	return all, nil
}

// Unpack writes every fixture chart as a plain directory dir/<name>-<version>.
func Unpack(dir string) error {
	for _, v := range Versions() {
		files, err := v.Files()
		if err != nil {
			return err
		}
		for _, file := range files {
			to := filepath.Join(dir, v.ID(), filepath.FromSlash(file.Path))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return fmt.Errorf("making folder for %q: %w", file.Path, err)
			}
			if err := os.WriteFile(to, file.Data, 0o644); err != nil {
				return fmt.Errorf("writing chart file %q: %w", file.Path, err)
			}
		}
	}
	return nil
}

// Index returns a Helm repository's index.yaml for the charts, whose addresses
// are relative to it. Newest first, as Helm expects of each name.
func Index(all []Packed) []byte {
	var out strings.Builder
	out.WriteString("apiVersion: v1\ngenerated: \"1970-01-01T00:00:00Z\"\nentries:\n")
	for _, name := range []string{OldOperatorChart, OperatorChart, StoreChart} {
		fmt.Fprintf(&out, "  %s:\n", name)
		for i := len(all) - 1; i >= 0; i-- {
			if p := all[i]; p.Chart == name {
				fmt.Fprintf(&out, "  - apiVersion: v2\n    name: %s\n    version: %s\n    type: application\n    created: \"1970-01-01T00:00:00Z\"\n    digest: %s\n    urls: [%s]\n",
					p.Chart, p.Version.Version, p.Digest, p.File)
			}
		}
	}
	return []byte(out.String())
}
