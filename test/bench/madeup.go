package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// madeUp is a registry that keeps no layers: it makes up what it serves, and
// of what it is sent it remembers the names.
type madeUp struct {
	host  string
	close func() error

	mu        sync.Mutex
	manifests map[string][]byte // "repository tag"
	small     map[string][]byte // configs by digest
	layers    map[string]layer  // by digest
}

// layer is so many bytes that follow from a seed.
type layer struct {
	seed uint64
	size int64
}

const layerChunk = 1 << 20

// writeTo writes the layer: one block over and over, with the seed and the
// block's number at its start. The rest is empty, so that a disk that compresses
// needs next to nothing for it.
func (l layer) writeTo(w io.Writer) error {
	block := make([]byte, layerChunk)
	copy(block, seeded(l.seed, 64))
	for at := int64(0); at < l.size; at += layerChunk {
		binary.LittleEndian.PutUint64(block[8:], uint64(at)+l.seed)
		if _, err := w.Write(block[:min(layerChunk, l.size-at)]); err != nil {
			return err
		}
	}
	return nil
}

// startMadeUp serves images of size bytes in all, two layers each; 0 is an
// empty registry.
func startMadeUp(size int64) (*madeUp, error) {
	r := &madeUp{manifests: map[string][]byte{}, small: map[string][]byte{}, layers: map[string]layer{}}
	if size > 0 {
		if err := parallel(numbers(), func(i int) error { return r.addImage(i, size/imageCount/2) }); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: r}
	r.host, r.close = l.Addr().String(), srv.Close
	go func() { _ = srv.Serve(l) }()
	return r, nil
}

func (r *madeUp) addImage(i int, size int64) error {
	m := manifest{SchemaVersion: 2, MediaType: "application/vnd.oci.image.manifest.v1+json"}
	diffs := []string{}
	for n := range 2 {
		l := layer{uint64(1000 + 2*i + n), size}
		var h hash.Hash = sha256.New()
		if err := l.writeTo(h); err != nil {
			return err
		}
		d := fmt.Sprintf("sha256:%x", h.Sum(nil))
		r.mu.Lock()
		r.layers[d] = l
		r.mu.Unlock()
		m.Layers, diffs = append(m.Layers, descriptor{"application/vnd.oci.image.layer.v1.tar+gzip", d, size}), append(diffs, d)
	}
	config, err := json.Marshal(map[string]any{"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": diffs}})
	if err != nil {
		return err
	}
	m.Config = descriptor{"application/vnd.oci.image.config.v1+json", digestOf(config), int64(len(config))}
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.small[m.Config.Digest] = config
	r.manifests[image(i)+" "+imageTag] = raw
	return nil
}

// ServeHTTP implements http.Handler.
func (r *madeUp) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	repo, rest, manifest := cutLast(path, "/manifests/")
	if manifest {
		r.manifest(w, req, repo, rest)
		return
	}
	repo, rest, _ = cutLast(path, "/blobs/")
	switch {
	case path == "":
	case req.Method == http.MethodPost:
		w.Header().Set("Location", "/v2/"+repo+"/blobs/uploads/1")
		w.WriteHeader(http.StatusAccepted)
	case req.Method == http.MethodPut:
		_, _ = io.Copy(io.Discard, req.Body)
		w.WriteHeader(http.StatusCreated)
	default:
		r.blob(w, req, rest)
	}
}

func (r *madeUp) manifest(w http.ResponseWriter, req *http.Request, repo, tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Method == http.MethodPut {
		raw, _ := io.ReadAll(req.Body)
		r.manifests[repo+" "+tag] = raw
		w.WriteHeader(http.StatusCreated)
		return
	}
	raw, ok := r.manifests[repo+" "+tag]
	if !ok {
		http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	w.Header().Set("Docker-Content-Digest", digestOf(raw))
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = io.Copy(w, bytes.NewReader(raw))
}

func (r *madeUp) blob(w http.ResponseWriter, req *http.Request, digest string) {
	r.mu.Lock()
	small, isSmall := r.small[digest]
	l, isLayer := r.layers[digest]
	r.mu.Unlock()
	switch {
	case isSmall:
		w.Header().Set("Content-Length", strconv.Itoa(len(small)))
		_, _ = w.Write(small)
	case isLayer:
		w.Header().Set("Content-Length", strconv.FormatInt(l.size, 10))
		if req.Method == http.MethodGet {
			_ = l.writeTo(w)
		}
	default:
		http.Error(w, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`, http.StatusNotFound)
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
