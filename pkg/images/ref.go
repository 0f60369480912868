package images

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

// Ref is one image reference with its host spelt out. Unlike most reference
// types it keeps a tag and a digest side by side: charts write
// "repo:tag@sha256:…", and losing the tag would lose the release it names.
//
// The zero value is not a reference. Refs are comparable and safe to use as map
// keys. In JSON and YAML a Ref is its string form.
type Ref struct {
	// Host is the registry's host and, where given, port. Docker's short
	// names are spelt out ("busybox" has Host "docker.io").
	Host string
	// Path is the repository inside the registry, without a leading slash.
	Path string
	// Tag is empty where the reference names none.
	Tag string
	// Digest is "sha256:…" or empty.
	Digest string
}

// ParseRef reads s as a container runtime would. A reference with neither tag
// nor digest is accepted and left so: whether "latest" was meant is for the
// caller to say.
func ParseRef(s string) (Ref, error) {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return Ref{}, fmt.Errorf("parsing image reference %q: %w", withoutLogin(s), err)
	}
	r := Ref{Host: reference.Domain(named), Path: reference.Path(named)}
	if r.Host == "" {
		// A first element that looks like a host and isn't, such as "a.b_c/d".
		return Ref{}, fmt.Errorf("parsing image reference %q: %w", withoutLogin(s), errors.New("it names no registry"))
	}
	if t, ok := named.(reference.Tagged); ok {
		r.Tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		r.Digest = d.Digest().String()
	}
	return r, nil
}

var (
	credentialPrefix = regexp.MustCompile(`^(\w+://)?[^/@]*:[^/@]*@`)
	digestStart      = regexp.MustCompile(`^sha\d+:`)
)

// withoutLogin is what was taken for a reference, without a user and a password
// before the host: some write them as in a URL.
func withoutLogin(s string) string {
	m := credentialPrefix.FindStringSubmatchIndex(s)
	if m == nil || digestStart.MatchString(s[m[1]:]) {
		return s
	}
	return s[:max(m[3], 0)] + "[redacted]@" + s[m[1]:]
}

// String is the reference in full: host/path[:tag][@digest]. The zero Ref is
// the empty string.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	var b strings.Builder
	b.WriteString(r.Name())
	if r.Tag != "" {
		b.WriteString(":" + r.Tag)
	}
	if r.Digest != "" {
		b.WriteString("@" + r.Digest)
	}
	return b.String()
}

// Name is the repository with its host, without tag and digest.
func (r Ref) Name() string { return r.Host + "/" + r.Path }

// Base is the last element of the path: "operator" for
// quay.io/minio/aistor/operator.
func (r Ref) Base() string { return r.Path[strings.LastIndexByte(r.Path, '/')+1:] }

// Identifier is what a registry is requested: the digest where there is one,
// else the tag, else "latest".
func (r Ref) Identifier() string {
	switch {
	case r.Digest != "":
		return r.Digest
	case r.Tag != "":
		return r.Tag
	default:
		return "latest"
	}
}

// IsZero reports whether r is not a reference at all.
func (r Ref) IsZero() bool { return r == Ref{} }

// Compare orders references by their string form; it suits [slices.SortFunc].
func (r Ref) Compare(o Ref) int { return strings.Compare(r.String(), o.String()) }

// MarshalText makes a Ref its string form in JSON and YAML.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero Ref.
func (r *Ref) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*r = Ref{}
		return nil
	}
	parsed, err := ParseRef(string(b))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
