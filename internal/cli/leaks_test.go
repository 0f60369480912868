package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart/charttest"
)

// What is typed or written by mistake, and what a chart quotes, is shown without
// the password in it.
func TestErrorsQuoteNoPassword(t *testing.T) {
	t.Parallel()
	const password = "Zq9hunterTWO"
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	quoting := write("quoting.tgz", string(charttest.Archive(t, "aistor-objectstore", "1.0.16", map[string]string{
		"templates/a.yaml": `{{ fail (printf "weak %s %s" .Values.secrets.secretKey (b64enc .Values.secrets.secretKey)) }}`,
	})))
	values := []string{"values", "--object-store", "team-a/primary", "--chart", quoting, "--registry", "r.example.com"}
	tests := map[string][]string{
		"a chart that quotes a value":    append(values, "-f", write("plain.yaml", "secrets: {secretKey: "+password+"}\n")),
		"a value given on the line":      append(values, "-f", write("empty.yaml", "{}\n"), "--set-file", "secrets.secretKey="+write("password", password)),
		"text that YAML takes for alias": append(values, "-f", write("alias.yaml", "secrets:\n  secretKey: *"+password+"\n")),
		"text that YAML takes for a tag": append(values, "-f", write("tag.yaml", "secrets:\n  secretKey: !"+password+"\n")),
		"a flag that takes no value":     {"push", "a.bundle", "--password-stdin=" + password},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, errs, code := runHelm(t, args...)
			if code == 0 || !strings.Contains(errs, "error: ") {
				t.Errorf("exit code %d: %s", code, errs)
			}
			for _, form := range []string{password, "WnE5aHVudGVyVFdP"} {
				if strings.Contains(out+errs, form) {
					t.Errorf("the password is shown:\n%s%s", out, errs)
				}
			}
		})
	}
}
