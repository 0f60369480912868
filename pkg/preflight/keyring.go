package preflight

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// keyring is what kubelet would know of a puller's secrets.
type keyring struct {
	configs []*DockerConfig
	// unusable says why kubelet could not use them at all; gap says that they
	// could not be read.
	unusable, unread string
}

// keyringOf reads a puller's secrets as kubelet does: missing ones and those of
// another type are passed over, one that cannot be read spoils all.
func keyringOf(f *plan.Facts, p imagePuller) keyring {
	var k keyring
	for _, name := range p.secrets {
		sec, known := secretOf(f, p.namespace, name)
		switch {
		case !known:
			k.unread = fmt.Sprintf("secret %s/%s was not read", p.namespace, name)
		case !sec.Present:
			k.unusable = cmp.Or(strings.TrimSpace(k.unusable), fmt.Sprintf("secret %s/%s does not exist", p.namespace, name))
		case sec.Type == typeDockerCfg:
			k.unread = fmt.Sprintf("secret %s/%s has the legacy type %s, which is not checked", p.namespace, name, typeDockerCfg)
		case sec.Type != typeDockerConfigJSON:
			k.unusable = cmp.Or(strings.TrimSpace(k.unusable), fmt.Sprintf("secret %s/%s is of type %s", p.namespace, name, cmp.Or(strings.TrimSpace(sec.Type), "(none)")))
		default:
			d, err := ParseDockerConfig(sec.Data)
			if err != nil {
				return keyring{unusable: fmt.Sprintf("secret %s/%s: %v", p.namespace, name, err)}
			}
			k.configs = append(k.configs, d)
		}
	}
	if len(k.configs) > 0 {
		k.unusable = ""
	}
	return k
}

// describeEntries names the registries that the secrets have credentials for, for people.
func (k keyring) describeEntries() string {
	var keys []string
	for _, d := range k.configs {
		keys = append(keys, d.Keys()...)
	}
	return cmp.Or(strings.TrimSpace(strings.Join(keys, ", ")), "no entries")
}

func secretOf(f *plan.Facts, namespace, name string) (plan.PullSecret, bool) {
	for _, sec := range f.PullSecrets {
		if sec.Namespace == namespace && sec.Name == name {
			return sec, true
		}
	}
	return plan.PullSecret{}, false
}
