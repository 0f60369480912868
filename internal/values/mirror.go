package values

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// MirrorFromValues reads out of the operator chart's values where a site keeps
// its images already: the registry and the rules that put every image where
// the values look for it. A registry of "" says that the values name none but
// the public one.
//
// Only a hostname together with a pathPrefix counts: what a hostname alone
// means changed at 5.5.0. A rule for "minio" alone is left out, for it would
// catch what belongs to "aistor".
func MirrorFromValues(values map[string]any) (registry string, rules []images.Rule) {
	for _, key := range []string{"aistor", "minio"} {
		host := GetString(values, "repositories", key, "hostname")
		prefix := strings.Trim(GetString(values, "repositories", key, "pathPrefix"), "/")
		base, _ := aistor.PublicBase(key)
		if host == "" || prefix == "" || host == aistor.PublicRegistry {
			continue
		}
		if key == "aistor" {
			registry = host
		}
		if host == registry {
			rules = append(rules, images.Rule{From: base, To: prefix})
		}
	}
	return registry, rules
}

// PullSecretFromValues is the first pull secret that the operator chart's
// values name for the images, or "".
func PullSecretFromValues(values map[string]any) string {
	for _, at := range []Path{
		{"repositories", "aistor", "imagePullSecrets", "0", "name"},
		{"global", "operator", "imagePullSecrets", "0", "name"},
		{"repositories", "minio", "imagePullSecrets", "0", "name"},
	} {
		if name := GetString(values, at...); name != "" {
			return name
		}
	}
	return ""
}
