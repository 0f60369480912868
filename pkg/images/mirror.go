package images

import (
	"fmt"
	"path"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// Mirror says where every image lives on the private side. It is the only
// place that does: push, values, preflight and validate all ask it, so that
// what was pushed is what is pulled.
//
// The zero value maps nothing; see [Mirror.Validate].
type Mirror struct {
	// Registry is the host, with a port where needed, under which the nodes
	// pull.
	Registry string `json:"registry"`
	// PushRegistry is the host under which images are pushed. The default is
	// Registry: many sites have one name inside and another outside.
	PushRegistry string `json:"pushRegistry,omitempty"`
	// Prefix stands before every repository, for registries that want a
	// project or tenant there. The default is none.
	Prefix string `json:"prefix,omitempty"`
	// Rules overrule the default layout. The longest matching From wins.
	Rules []Rule `json:"rules,omitempty"`
}

// Rule sends everything below one public name to one private path.
type Rule struct {
	// From is a host with a path, such as "quay.io/minio/aistor". It matches
	// whole path elements only.
	From string `json:"from"`
	// To is the path in the private registry that takes From's place. It is
	// taken as it is: Prefix is not put before it.
	To string `json:"to"`
}

// defaultRules is the layout the vendor's own examples use, so that an
// installation made manually finds its images where it already looks for them.
func (m Mirror) defaultRules() []Rule {
	return []Rule{
		{From: "quay.io/minio/aistor", To: path.Join(m.Prefix, "aistor")},
		{From: "quay.io/minio", To: path.Join(m.Prefix, "minio")},
	}
}

// Map gives the name under which the nodes pull r: host and path change, tag
// and digest stay. A reference that already lives in this mirror is returned
// as it is, so Map(Map(r)) == Map(r).
func (m Mirror) Map(r Ref) Ref {
	if m.Registry == "" || m.Owns(r) {
		return r
	}
	r.Path = m.pathFor(r.Name())
	r.Host = m.Registry
	return r
}

// MapPush gives the name under which r is pushed: [Mirror.Map] with the
// registry's name as the pushing side knows it.
func (m Mirror) MapPush(r Ref) Ref {
	r = m.Map(r)
	if m.PushRegistry != "" && r.Host == m.Registry {
		r.Host = m.PushRegistry
	}
	return r
}

// Owns reports whether r already names the private registry.
func (m Mirror) Owns(r Ref) bool { return m.Registry != "" && r.Host == m.Registry }

// Validate reports what in m cannot be used: no registry, a registry with a
// scheme or path, or a rule with an empty side.
func (m Mirror) Validate() error {
	for _, host := range []string{m.Registry, m.PushRegistry} {
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			return message.Errorf("reading mirror: registry %q must not contain a user or password\nhint: --registry-user with --password-stdin, or a login in docker's config", "***"+host[at:])
		}
		if strings.Contains(host, "://") {
			return message.Errorf("reading mirror: registry %q is a host[:port] without a scheme; plain http is allowed by name\nhint: --registry-plain-http HOST[:PORT]", host)
		}
		if strings.Contains(host, "/") {
			return fmt.Errorf("reading mirror: registry %q is not a host[:port]; put the path into the prefix", host)
		}
	}
	if m.Registry == "" {
		return fmt.Errorf("reading mirror: no registry set")
	}
	for _, r := range m.Rules {
		if r.From == "" || r.To == "" {
			return fmt.Errorf("reading mirror: mapping %q=%q has an empty side", r.From, r.To)
		}
	}
	return nil
}

func (m Mirror) pathFor(name string) string {
	if to, ok := longestRule(m.Rules, name); ok {
		return to
	}
	if to, ok := longestRule(m.defaultRules(), name); ok {
		return to
	}
	// Other hosts keep their name in the path: a port's colon is not allowed
	// there, a dash is.
	return path.Join(m.Prefix, strings.ReplaceAll(name, ":", "-"))
}

func longestRule(rules []Rule, name string) (string, bool) {
	best, to := -1, ""
	for _, r := range rules {
		from := strings.TrimSuffix(r.From, "/")
		rest, ok := strings.CutPrefix(name, from)
		if !ok || (rest != "" && rest[0] != '/') || len(from) <= best {
			continue
		}
		best, to = len(from), path.Join(r.To, rest)
	}
	return to, best >= 0
}
