package puller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/singleflight"
	corev1 "k8s.io/api/core/v1"
)

// cacheFor bounds how long an answer of a registry is believed, so that a
// thousand pods are not a thousand pulls. Failures are kept for less than the
// back-off, or they would never be asked again.
const cacheFor, cacheFailureFor = 5 * time.Second, time.Second

// PullError is a pull that failed, with the reason a container status gives.
type PullError struct {
	// Reason is ErrImagePull, InvalidImageName or ErrImageNeverPull.
	Reason string
	// Message is what kubelet would say.
	Message string
}

// Error is the message as the kubelet words it.
func (e *PullError) Error() string { return e.Message }

// Images is the image store of all simulated nodes. It is safe for concurrent
// use.
type Images struct {
	registries *Registries
	now        func() time.Time
	flight     singleflight.Group

	mu     sync.Mutex
	recent map[string]answer
	// stored holds what each node has pulled: node, image and credential.
	// The credential is part of it because a kubelet of 1.35 and later asks the
	// registry again before it lends an image to a pod with another secret.
	stored map[string]Image
}

type answer struct {
	image Image
	err   error
	until time.Time
}

// NewImages makes an empty store.
func NewImages(r *Registries, now func() time.Time) *Images {
	return &Images{registries: r, now: now, recent: map[string]answer{}, stored: map[string]Image{}}
}

// Request asks for one container's image.
type Request struct {
	Node     string
	Platform v1.Platform
	Image    string
	Policy   corev1.PullPolicy
	Keyring  *Keyring
}

// Get gives the image, from the node's store when the policy allows. Errors are
// of type *PullError.
func (s *Images) Get(ctx context.Context, q Request) (Image, error) {
	ref, err := name.ParseReference(q.Image)
	if err != nil {
		return Image{}, &PullError{"InvalidImageName", fmt.Sprintf(
			"Failed to apply default image tag %q: couldn't parse image name %q: invalid reference format", q.Image, q.Image)}
	}
	creds := q.Keyring.Lookup(ref.Context().Name())
	if len(creds) == 0 {
		creds = []Credential{{}}
	}
	if q.Policy != corev1.PullAlways {
		if image, ok := s.onNode(q, creds); ok {
			return image, nil
		}
	}
	if q.Policy == corev1.PullNever {
		return Image{}, &PullError{"ErrImageNeverPull", fmt.Sprintf(
			"Container image %q is not present with pull policy of Never", q.Image)}
	}
	var errs []error
	for _, cred := range creds {
		image, err := s.pull(ctx, ref, q, cred)
		if err == nil {
			s.mu.Lock()
			s.stored[storeKey(q, cred)] = image
			s.mu.Unlock()
			return image, nil
		}
		errs = append(errs, err)
	}
	text := fmt.Sprintf("failed to pull and unpack image %q: %s", q.Image, oneLine(errors.Join(errs...)))
	if errors.Is(errs[len(errs)-1], errNotFound) {
		text = "rpc error: code = NotFound desc = " + text // as a real node says it
	}
	return Image{}, &PullError{"ErrImagePull", text}
}

func (s *Images) onNode(q Request, creds []Credential) (Image, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cred := range creds {
		if image, ok := s.stored[storeKey(q, cred)]; ok {
			return image, true
		}
	}
	return Image{}, false
}

func (s *Images) pull(ctx context.Context, ref name.Reference, q Request, cred Credential) (Image, error) {
	key := strings.Join([]string{q.Image, q.Platform.String(), cred.Username, cred.Password}, "\x00")
	got, _, _ := s.flight.Do(key, func() (any, error) {
		s.mu.Lock()
		kept, ok := s.recent[key]
		s.mu.Unlock()
		if ok && s.now().Before(kept.until) {
			return kept, nil
		}
		image, err := s.registries.Pull(ctx, ref, q.Platform, cred)
		fresh := answer{image, err, s.now().Add(cacheFor)}
		if err != nil {
			fresh.until = s.now().Add(cacheFailureFor)
		}
		s.mu.Lock()
		s.recent[key] = fresh
		s.mu.Unlock()
		return fresh, nil
	})
	a := got.(answer)
	return a.image, a.err
}

func storeKey(q Request, cred Credential) string {
	return strings.Join([]string{q.Node, q.Image, cred.Username, cred.Password}, "\x00")
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", ", ") }
