package inputs

import "testing"

func TestEditsAreShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, value, want string }{
		{"image.repository", "reg.example.com/aistor/minio", "reg.example.com/aistor/minio"},
		{"imagePullSecret.name", "site", "site"},
		{"kes.approle.secret", "hunter2", "[redacted]"},
		{"license", "", ""},
		{"config", "url=https://user:hunter2@reg.example.com/x", "url=https://[redacted]@reg.example.com/x"},
		{"manifest", "password: hunter2\na: b", "(text of 2 lines)"},
	} {
		if got := brief(c.path, c.value); got != c.want {
			t.Errorf("%s: received %q, expected %q", c.path, got, c.want)
		}
	}
}
