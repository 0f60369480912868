package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	imageCount  = 10
	imagePrefix = "quay.io/minio/aistor/bench-"
	imageTag    = "v1"
)

// seeded gives n bytes that don't compress and depend on the seed alone. They
// begin as gzip does: some tools look, and would compress what is not.
func seeded(seed uint64, n int64) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
	copy(b, "\x1f\x8b\x08")
	return b
}

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

// generate pushes ten images of size bytes in all: one layer that all share,
// one that half of them share, and one of its own each. Of a layer only size
// and digest matter here, so that it is no archive.
func generate(c *client, size int64) error {
	base, half, own := size*13/100, size*9/100, size*78/100/imageCount
	for i := range imageCount {
		repo := image(i)
		layers := []struct {
			seed uint64
			size int64
		}{{1, base}, {uint64(100 + i), own}}
		if i%2 == 0 {
			layers = append(layers, struct {
				seed uint64
				size int64
			}{2, half})
		}
		m := manifest{SchemaVersion: 2, MediaType: "application/vnd.oci.image.manifest.v1+json"}
		diffs := []string{}
		for _, l := range layers {
			b := seeded(l.seed, l.size)
			d := descriptor{"application/vnd.oci.image.layer.v1.tar+gzip", digestOf(b), l.size}
			if err := c.putBlob(repo, d.Digest, bytes.NewReader(b), d.Size); err != nil {
				return err
			}
			m.Layers, diffs = append(m.Layers, d), append(diffs, d.Digest)
		}
		config, err := json.Marshal(map[string]any{
			"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
		})
		if err != nil {
			return err
		}
		m.Config = descriptor{"application/vnd.oci.image.config.v1+json", digestOf(config), int64(len(config))}
		if err := c.putBlob(repo, m.Config.Digest, bytes.NewReader(config), m.Config.Size); err != nil {
			return err
		}
		raw, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if err := c.putManifest(repo, imageTag, raw); err != nil {
			return err
		}
	}
	return nil
}

// image is the repository of one image in the upstream registry.
func image(i int) string { return fmt.Sprintf("%s%d", imagePrefix, i) }

// charts writes two charts that ask for the images, half each.
func charts(dir string) ([]string, error) {
	var files []string
	for n, c := range [][2]string{{"aistor-operator", "5.10.0"}, {"aistor-objectstore", "1.0.16"}} {
		pod := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + c[0] + "\nspec:\n  containers:\n"
		for i := n; i < imageCount; i += 2 {
			pod += fmt.Sprintf("  - name: c%d\n    image: %s:%s\n", i, image(i), imageTag)
		}
		var buf bytes.Buffer
		zw := gzip.NewWriter(&buf)
		tw := tar.NewWriter(zw)
		for _, f := range [][2]string{
			{"Chart.yaml", "apiVersion: v2\nname: " + c[0] + "\nversion: " + c[1] + "\n"}, {"templates/pod.yaml", pod},
		} {
			if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: c[0] + "/" + f[0], Size: int64(len(f[1])), Mode: 0o644}); err != nil {
				return nil, err
			}
			if _, err := tw.Write([]byte(f[1])); err != nil {
				return nil, err
			}
		}
		if err := tw.Close(); err != nil {
			return nil, err
		}
		if err := zw.Close(); err != nil {
			return nil, err
		}
		name := filepath.Join(dir, c[0]+"-"+c[1]+".tgz")
		if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}
