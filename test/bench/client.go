package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// client is the least that moves blobs to and from a registry over plain http.
type client struct {
	base string
	http *http.Client
}

func newClient(host string) *client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.Proxy = 32, nil
	t.ReadBufferSize, t.WriteBufferSize = 64<<10, 64<<10
	return &client{"http://" + host, &http.Client{Transport: t}}
}

func (c *client) send(method, u string, body io.Reader, size int64, mediaType string, want int) (*http.Response, error) {
	req, err := http.NewRequest(method, u, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json")
	if body != nil {
		req.ContentLength = size
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%s %s: %s %s", method, u, resp.Status, text)
	}
	return resp, nil
}

func (c *client) putBlob(repo, digest string, body io.Reader, size int64) error {
	resp, err := c.send("POST", c.base+"/v2/"+repo+"/blobs/uploads/", nil, 0, "", http.StatusAccepted)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	at, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return err
	}
	q := at.Query()
	q.Set("digest", digest)
	at.RawQuery = q.Encode()
	if resp, err = c.send("PUT", at.String(), body, size, "application/octet-stream", http.StatusCreated); err != nil {
		return err
	}
	return resp.Body.Close()
}

func (c *client) mount(repo, digest, from string) error {
	u := c.base + "/v2/" + repo + "/blobs/uploads/?" + url.Values{"mount": {digest}, "from": {from}}.Encode()
	resp, err := c.send("POST", u, nil, 0, "", http.StatusCreated)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (c *client) putManifest(repo, tag string, raw []byte) error {
	resp, err := c.send("PUT", c.base+"/v2/"+repo+"/manifests/"+tag, bytes.NewReader(raw), int64(len(raw)),
		"application/vnd.oci.image.manifest.v1+json", http.StatusCreated)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (c *client) get(path string) (io.ReadCloser, error) {
	req, err := http.NewRequest("GET", c.base+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return resp.Body, nil
}
