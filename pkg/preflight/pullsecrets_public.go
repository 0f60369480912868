package preflight

import (
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// checkPublicReferenceSecrets checks pull secrets where references stay public: kubelet
// looks an entry up by the name in the pod, which is public, and hands it to
// the runtime, which presents it to the private registry. An entry under the
// private name is never found. Nodes may have credentials of their own, so that
// this is no more than a warning.
func checkPublicReferenceSecrets(s *Subject) Result {
	var f findings
	looked := 0
	for _, p := range collectPullers(s) {
		ring := keyringOf(s.Facts, p)
		if len(ring.configs) == 0 {
			continue
		}
		looked++
		evaluatePublicReferenceSecrets(&f, p, ring)
	}
	if looked == 0 {
		return skipResult("%s, because their runtime redirects public references", nodeCredentialsReason)
	}
	return f.buildResult("%d pull secrets have an entry for the public names, which kubelet looks up", looked)
}

// evaluatePublicReferenceSecrets names each public registry for which a puller has no entry, once.
func evaluatePublicReferenceSecrets(f *findings, p imagePuller, ring keyring) {
	has := ring.describeEntries()
	k := secretKey(p.namespace, p.secrets[0])
	said := map[string]bool{}
	for _, img := range p.images {
		found := MatchCredentials(img.Source.Name(), ring.configs...)
		if slices.ContainsFunc(found, func(c Credential) bool { return !c.IsAnonymous() }) || said[img.Source.Host] {
			continue
		}
		said[img.Source.Host] = true
		f.addWarning(k, "secret %s/%s: has no entry for %s, and kubelet looks up the public name (it has %s)",
			p.namespace, strings.Join(p.secrets, "+"), img.Source.Host, has).
			setDetails(has, img.Source.Host, createSecretFor(p.namespace, k.Name, img.Source)+
				", with the private registry's name and password; or --pull-secret none where nodes have credentials of their own")
	}
}

// createSecretFor is the command that makes a pull secret for one registry.
func createSecretFor(namespace, name string, pulled images.Ref) string {
	return shellquote.Command("kubectl create secret docker-registry %s -n %s --docker-server=%s --docker-username=USER --docker-password=PASSWORD", name, namespace, pulled.Host)
}
