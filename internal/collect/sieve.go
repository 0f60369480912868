package collect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// shortest is the length below which a value is too common to be searched for
// in texts: "true" is in a Secret too.
const shortest = 6

// sieve takes secrets out of texts. The zero value knows none by their content.
type sieve struct {
	known    map[string]bool
	replacer *strings.Replacer
}

// learn remembers a secret in the spellings in which it may turn up.
func (s *sieve) learn(value string) {
	value = strings.TrimSpace(value)
	if len(value) < shortest || value == plan.Redacted {
		return
	}
	if s.known == nil {
		s.known = map[string]bool{}
	}
	quoted, _ := json.Marshal(value)
	for _, spelt := range []string{value, string(quoted[1 : len(quoted)-1]), url.QueryEscape(value), url.PathEscape(value),
		base64.StdEncoding.EncodeToString([]byte(value)), strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="),
		base64.URLEncoding.EncodeToString([]byte(value))} {
		s.known[spelt] = true
	}
	s.replacer = nil
}

// learnText remembers a text and what its lines assign.
func (s *sieve) learnText(text string) {
	s.learn(text)
	for line := range strings.Lines(text) {
		_, value, assigned := strings.Cut(strings.TrimSpace(line), "=")
		if assigned {
			s.learn(strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
}

// learnFacts takes what one look at the cluster found.
func (s *sieve) learnFacts(f *plan.Facts) {
	releases := f.Releases
	if f.Operator != nil {
		releases = append(slices.Clone(releases), *f.Operator)
	}
	for _, r := range releases {
		for _, v := range append(plan.Secrets(r.Values), plan.Secrets(r.DeployedValues)...) {
			s.learnText(v)
		}
	}
	if f.License != nil {
		s.learn(string(f.License.Token))
	}
	for _, p := range f.Secrets {
		s.learnDocker(p.Data)
	}
}

// learnDocker takes the logins of a pull secret.
func (s *sieve) learnDocker(data []byte) {
	var doc struct {
		Auths map[string]map[string]any `json:"auths"`
	}
	if json.Unmarshal(data, &doc) != nil {
		return
	}
	for _, entry := range doc.Auths {
		for key, v := range entry {
			text, _ := v.(string)
			if key == "username" || key == "email" {
				continue
			}
			s.learn(text)
			if login, err := base64.StdEncoding.DecodeString(text); key == "auth" && err == nil {
				_, password, _ := strings.Cut(string(login), ":")
				s.learn(string(login))
				s.learn(password)
			}
		}
	}
}

// learnSecrets reads the Secrets of a namespace only to take them out of
// everything else.
func (s *sieve) learnSecrets(ctx context.Context, client kubernetes.Interface, namespace string) error {
	list, err := client.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{FieldSelector: "type!=helm.sh/release.v1"})
	if err != nil {
		return err
	}
	for _, secret := range list.Items {
		for key, value := range secret.Data {
			switch {
			case secret.Type == corev1.SecretTypeDockerConfigJson:
				s.learnDocker(value)
			case key == corev1.TLSCertKey || key == "ca.crt" || key == "public.crt": // certificates are no secrets
			default:
				s.learnText(string(value))
			}
		}
	}
	return nil
}

// text takes out what is known, and what names and shapes give away.
func (s *sieve) text(t string) string {
	if s.replacer == nil {
		words := make([]string, 0, len(s.known))
		for w := range s.known {
			words = append(words, w)
		}
		// The longest first: of two that begin alike the shorter must not win.
		slices.SortFunc(words, func(a, b string) int {
			if d := len(b) - len(a); d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		pairs := make([]string, 0, 2*len(words))
		for _, w := range words {
			pairs = append(pairs, w, plan.Redacted)
		}
		s.replacer = strings.NewReplacer(pairs...)
	}
	return plan.RedactText(s.replacer.Replace(t))
}
