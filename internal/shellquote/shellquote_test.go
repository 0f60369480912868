package shellquote_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

func TestCommandQuotesWhatAShellWouldReadOtherwise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, arg, want string }{
		{"a name", "private-repo-pull-secret", "kubectl get secret private-repo-pull-secret"},
		{"an address", "registry.example.com:5000", "kubectl get secret registry.example.com:5000"},
		{"blanks", "a b", "kubectl get secret 'a b'"},
		{"a quote", "a'b", `kubectl get secret 'a'\''b'`},
		{"nothing", "", "kubectl get secret ''"},
		{"what would be a flag", "--all", "kubectl get secret NAME"},
		{"a line break", "a\nb", `kubectl get secret $'a\nb'`},
		{"what reorders and quotes", "a'\u202e\t\\", `kubectl get secret $'a\'\u202e\t\\'`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := shellquote.Command("kubectl get secret %s", c.arg); got != c.want {
				t.Errorf("received %q, expected %q", got, c.want)
			}
		})
	}
}
