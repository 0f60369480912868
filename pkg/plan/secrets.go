package plan

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// SecretValues are the secrets that one check the cluster found: in values,
// manifests and object stores, the license and the logins of pull secrets.
// Whoever shows or stores anything about the facts takes them out of it. A nil
// f has none.
func (f *Facts) SecretValues() []string {
	if f == nil {
		return nil
	}
	var list []string
	for _, r := range f.allReleases() {
		list = append(list, redact.FindSecrets(r.Values)...)
		list = append(list, redact.FindSecrets(r.DeployedValues)...)
		for _, o := range images.ParseObjects(r.Manifest) {
			list = append(list, redact.FindSecrets(map[string]any(o))...)
		}
	}
	for _, s := range f.Stores {
		list = append(list, redact.FindSecrets(map[string]any(s.Object))...)
	}
	if f.License != nil {
		list = append(list, string(f.License.Token))
	}
	for _, s := range f.PullSecrets {
		list = append(list, redact.SecretsIn(".dockerconfigjson", string(s.Data))...)
	}
	return list
}

// ReadableNames are names that stay readable even where a secret is the same
// word.
func (f *Facts) ReadableNames() []string {
	if f == nil {
		return nil
	}
	list := []string{f.Namespace, f.Context, f.User}
	for _, r := range f.allReleases() {
		list = append(list, r.Namespace, r.Name)
	}
	for _, s := range f.Stores {
		list = append(list, s.Namespace, s.Name)
	}
	return list
}

func (f *Facts) allReleases() []InstalledRelease {
	if f.Operator == nil {
		return f.Releases
	}
	return append([]InstalledRelease{*f.Operator}, f.Releases...)
}

// SecretValues are the secrets in everything that a plan is built from.
func (in *Inputs) SecretValues() []string {
	list := append(in.Facts.SecretValues(), string(in.License))
	for _, c := range slices.Concat(in.Operator, in.Stores) {
		list = append(list, redact.FindSecrets(c.Values)...)
		for _, o := range slices.Concat(c.Before, c.After) {
			list = append(list, redact.FindSecrets(map[string]any(o))...)
		}
	}
	return list
}
