package pulltest

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// The texts are those of containerd, CRI-O and cri-dockerd as people quote them.
func TestPullErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	const containerd = `failed to pull and unpack image "r.example/a:1": failed to resolve reference "r.example/a:1": `
	tests := map[string]struct{ text, kind string }{
		"containerd, wrong password":       {containerd + `unexpected status from HEAD request to https://r.example/v2/a/manifests/1: 401 Unauthorized`, preflight.KindUnauthorized},
		"containerd, no password":          {containerd + `pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`, preflight.KindUnauthorized},
		"containerd, token refused":        {containerd + `failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.example/token: 401 Unauthorized`, preflight.KindUnauthorized},
		"containerd, no scope":             {containerd + `pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`, preflight.KindForbidden},
		"containerd, 403":                  {containerd + `unexpected status from HEAD request to https://r.example/v2/a/manifests/1: 403 Forbidden`, preflight.KindForbidden},
		"containerd, 404":                  {containerd + `r.example/a:1: not found`, preflight.KindNotFound},
		"containerd, platform":             {`failed to pull and unpack image "r.example/a:1": no match for platform in manifest: not found`, preflight.KindPlatform},
		"containerd, CA":                   {containerd + `failed to do request: Head "https://r.example/v2/a/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority`, preflight.KindTLS},
		"containerd, http":                 {containerd + `failed to do request: Head "https://r.example/v2/a/manifests/1": http: server gave HTTP response to HTTPS client`, preflight.KindPlainHTTP},
		"containerd, no name":              {containerd + `failed to do request: Head "https://r.example/v2/a/manifests/1": dial tcp: lookup r.example on 10.96.0.10:53: no such host`, preflight.KindUnreachable},
		"containerd, no listener":          {containerd + `failed to do request: Head "https://r.example/v2/a/manifests/1": dial tcp 10.0.0.1:443: connect: connection refused`, preflight.KindUnreachable},
		"containerd, handshake in no time": {containerd + `failed to do request: Head "https://r.example/v2/": net/http: TLS handshake timeout`, preflight.KindUnreachable},
		"containerd, 429":                  {containerd + `unexpected status from HEAD request to https://r.example/v2/a/manifests/1: 429 Too Many Requests`, preflight.KindRateLimited},
		"containerd, full":                 {`failed to pull and unpack image "r.example/a:1": failed to copy: write /var/lib/containerd/x: no space left on device`, preflight.KindDiskFull},
		"CRI-O, wrong password":            {`unable to retrieve auth token: invalid username/password: unauthorized: authentication required`, preflight.KindUnauthorized},
		"CRI-O, platform":                  {`choosing image instance: no image found in manifest list for architecture "arm64", variant "v8", OS "linux"`, preflight.KindPlatform},
		"CRI-O, 404":                       {`reading manifest 1 in r.example/a: manifest unknown`, preflight.KindNotFound},
		"CRI-O, back-off with its cause":   {`Back-off pulling image "r.example/a:1": ErrImagePull: initializing source docker://r.example/a:1: pinging container registry r.example: Get "https://r.example/v2/": dial tcp 10.0.0.1:443: connect: no route to host`, preflight.KindUnreachable},
		"cri-dockerd, wrong password":      {`Error response from daemon: Head "https://r.example/v2/a/manifests/1": unauthorized: incorrect username or password`, preflight.KindUnauthorized},
		"cri-dockerd, platform":            {`no matching manifest for linux/arm64/v8 in the manifest list entries`, preflight.KindPlatform},
		"cri-dockerd, denied":              {`Error response from daemon: denied: requested access to the resource is denied`, preflight.KindForbidden},
		"something else":                   {`the moon is full`, ""},
		"a bare back-off":                  {`Back-off pulling image "r.example/a:1"`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := pullError("ErrImagePull", tt.text).Kind(); got != tt.kind {
				t.Errorf("received %q, expected %q", got, tt.kind)
			}
		})
	}
}

func TestWhatComesAfterThePullProvesIt(t *testing.T) {
	t.Parallel()
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "401 Unauthorized"}}
	}
	tests := map[string]struct {
		state         corev1.ContainerState
		known, pulled bool
	}{
		"not begun":                         {corev1.ContainerState{}, false, false},
		"pulling":                           {waiting("ContainerCreating"), false, false},
		"refused":                           {waiting("ErrImagePull"), true, false},
		"refused and waiting":               {waiting("ImagePullBackOff"), true, false},
		"no such command":                   {waiting("RunContainerError"), true, true},
		"the image runs as root":            {waiting("CreateContainerConfigError"), true, true},
		"ended because there is no command": {corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "StartError", ExitCode: 128}}, true, true},
		"running after all":                 {corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, true, true},
		"lost by the node":                  {corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "ContainerStatusUnknown"}}, false, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err, known := pullResult(corev1.ContainerStatus{State: tt.state})
			if known != tt.known || (known && (err == nil) != tt.pulled) {
				t.Errorf("received known %t, error %v", known, err)
			}
		})
	}
}
