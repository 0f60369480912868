package redact

import (
	"strings"
	"testing"
)

func TestTextsLoseSecretsInEveryNotation(t *testing.T) {
	t.Parallel()
	const secret = "swordfish"
	for _, line := range lines(t, "hidden.txt") {
		text := strings.NewReplacer(`\n`, "\n", `\t`, "\t", "PLANT", secret).Replace(line)
		got := Text(text)
		if strings.Contains(got, secret) {
			t.Errorf("%q becomes %q", text, got)
		}
		if again := Text(got); again != got {
			t.Errorf("a second time %q becomes %q", got, again)
		}
	}
}
