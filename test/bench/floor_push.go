package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
)

// floorPush sends each blob once. The links that it allows follow at once, and
// so does each manifest whose blobs are there.
func floorPush(c *client, file string) error {
	s, f, err := open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	left := map[string]*atomic.Int32{}
	for _, b := range s.Blobs {
		for _, r := range b.Repos {
			if left[r] == nil {
				left[r] = new(atomic.Int32)
			}
			left[r].Add(1)
		}
	}
	arrived := func(repo string) error {
		if left[repo].Add(-1) > 0 {
			return nil
		}
		i := slices.IndexFunc(numbers(), func(i int) bool { return image(i) == repo })
		return c.putManifest(repo, imageTag, s.Manifests[i])
	}
	return parallel(s.Blobs, func(b place) error {
		body := io.NewSectionReader(f, b.Offset, b.Size)
		if err := c.putBlob(b.Repos[0], b.Digest, body, b.Size); err != nil {
			return err
		}
		if err := arrived(b.Repos[0]); err != nil {
			return err
		}
		return parallel(b.Repos[1:], func(repo string) error {
			if err := c.mount(repo, b.Digest, b.Repos[0]); err != nil {
				return err
			}
			return arrived(repo)
		})
	})
}

// floorLook asks once for each image whether it is there.
func floorLook(c *client, file string) error {
	s, err := load(file)
	if err != nil {
		return err
	}
	return parallel(numbers(), func(i int) error {
		resp, err := c.send(http.MethodHead, c.base+"/v2/"+image(i)+"/manifests/"+imageTag, nil, 0, "", http.StatusOK)
		if err != nil {
			return err
		}
		if got := resp.Header.Get("Docker-Content-Digest"); got != digestOf(s.Manifests[i]) {
			return fmt.Errorf("%s is %s", image(i), got)
		}
		return resp.Body.Close()
	})
}
