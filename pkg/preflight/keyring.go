package preflight

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// keyring is what kubelet would know of a puller's secrets.
type keyring struct {
	configs []*DockerConfig
	// broken says why kubelet could not use them at all; gap says that they
	// could not be looked at.
	broken, gap string
}

// keyringOf reads a puller's secrets as kubelet does: missing ones and those of
// another type are passed over, one that can't be read spoils all.
func keyringOf(f *plan.Facts, p puller) keyring {
	var k keyring
	for _, name := range p.secrets {
		sec, known := secretOf(f, p.namespace, name)
		switch {
		case !known:
			k.gap = fmt.Sprintf("secret %s/%s was not looked at", p.namespace, name)
		case !sec.Present:
			k.broken = orElse(k.broken, fmt.Sprintf("secret %s/%s does not exist", p.namespace, name))
		case sec.Type == typeDockerCfg:
			k.gap = fmt.Sprintf("secret %s/%s is of the older type %s, which is not looked into", p.namespace, name, typeDockerCfg)
		case sec.Type != typeDockerConfigJSON:
			k.broken = orElse(k.broken, fmt.Sprintf("secret %s/%s is of type %s", p.namespace, name, orElse(sec.Type, "(none)")))
		default:
			d, err := ParseDockerConfig(sec.Data)
			if err != nil {
				return keyring{broken: fmt.Sprintf("secret %s/%s: %v", p.namespace, name, err)}
			}
			k.configs = append(k.configs, d)
		}
	}
	if len(k.configs) > 0 {
		k.broken = ""
	}
	return k
}

// entries names the registries that the secrets have credentials for, for people.
func (k keyring) entries() string {
	var keys []string
	for _, d := range k.configs {
		keys = append(keys, d.Keys()...)
	}
	return orElse(strings.Join(keys, ", "), "no entries")
}

func secretOf(f *plan.Facts, namespace, name string) (plan.PullSecret, bool) {
	for _, sec := range f.Secrets {
		if sec.Namespace == namespace && sec.Name == name {
			return sec, true
		}
	}
	return plan.PullSecret{}, false
}
