package registry

import (
	"io"
	"net/http"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// limitSilence bounds how long the servers behind base may stay silent.
func limitSilence(o Options, base *http.Transport) *httptimeout.Transport {
	return &httptimeout.Transport{Base: base, Limits: o.Limits, OnSilence: o.OnSilence, Kind: requestKind}
}

// LimitSilence gives t the limits of [Options.Limits], for whoever fetches
// charts with it.
func (c *Client) LimitSilence(t *http.Transport) *http.Transport {
	limited := limitSilence(c.opts, t)
	// Helm takes nothing but this type, which hands requests on by their scheme.
	out := &http.Transport{Protocols: new(http.Protocols)}
	out.Protocols.SetHTTP1(true)
	out.RegisterProtocol("http", limited)
	out.RegisterProtocol("https", limited)
	return out
}

// requestKind tells content, which proxies scan and registries assemble, from
// metadata. It goes by what was asked first: a registry sends on to storage
// whose addresses say nothing.
func requestKind(r *http.Request) httptimeout.Kind {
	for r.Response != nil && r.Response.Request != nil {
		r = r.Response.Request
	}
	switch {
	case r.Method == http.MethodPut, r.Method == http.MethodPatch, r.URL.Query().Has("mount"):
		return httptimeout.Upload
	case r.Method == http.MethodGet && (strings.Contains(r.URL.Path, "/blobs/") || strings.HasSuffix(r.URL.Path, ".tgz")):
		return httptimeout.Content
	}
	return httptimeout.Small
}

// blobBody types the errors of a download.
type blobBody struct {
	io.ReadCloser
	typed func(error) error
}

// Read implements io.Reader.
func (b *blobBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = b.typed(err)
	}
	return n, err
}
