package cli

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/verb"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// The charts of these tests, and what the private side is called.
const (
	newOperator = "testdata/values/operator-5.10.0"
	oldOperator = "testdata/values/operator-5.6.4"
	newStore    = "testdata/values/objectstore-1.0.16"
)

// valuesFolder is a directory of values files in which the verb is run.
type valuesFolder struct {
	t   *testing.T
	dir string
}

func newValuesFolder(t *testing.T, files map[string]string) valuesFolder {
	t.Helper()
	f := valuesFolder{t, t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// runValues runs the verb; of its arguments those after -f are files of the directory.
// Neither HOME nor KUBECONFIG lead anywhere, so that a cluster is not asked.
func (f valuesFolder) runValues(args ...string) (code int, out, errOut string) {
	f.t.Helper()
	full := []string{"values", "--kubeconfig", filepath.Join(f.dir, "none.kubeconfig")}
	for i, a := range args {
		if i > 0 && args[i-1] == "-f" && a != "-" {
			a = filepath.Join(f.dir, a)
		}
		full = append(full, a)
	}
	streams, in, stdout, stderr := genericiooptions.NewTestIOStreams()
	in.WriteString("license: from-standard-input\n")
	p := &term.Program{IOStreams: streams, Version: "0.0.0-test", Now: time.Now, Getenv: func(string) string { return "" }}
	code = p.Run(f.t.Context(), NewHelm(p), full)
	tidy := strings.NewReplacer(f.dir+"/", "", "a/"+f.dir[1:], "a", "b/"+f.dir[1:], "b")
	return code, tidy.Replace(stdout.String()), tidy.Replace(stderr.String())
}

func (f valuesFolder) readFile(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(b)
}

const operatorValues = `# Kept by the storage team.
license: eyJhbGciOiJFUzM4NCJ9.payload.signature  # from SUBNET
annotations: {team: "storage"}

images:
    minio: {repository: aistor, image: 'minio:RELEASE.2025-12-20T04-58-37Z'}
`

const storeValues = `secrets: {accessKey: planted-access-key, secretKey: short}
objectStore:
  name: primary   # never change this
  image:
    repository: quay.io/minio/aistor/minio
    tag: RELEASE.2026-06-06T02-44-06Z
`

// extraSecret makes a setting whose name says nothing end in a Secret.
const extraSecret = `  note: planted-note
  comment: planted-comment and eu-central-1
  region: eu-central-1
extraResources:
- |
  apiVersion: v1
  kind: Secret
  metadata: {name: one}
  stringData: {anything: "{{ .Values.objectStore.note }}", config.yaml: "region: eu-central-1", other: {{ .Values.objectStore.other | default "planted-other" }}}
- apiVersion: v1
  kind: Secret
  metadata: {name: two}
  data: {anything: '{{ printf "planted-comment" | b64enc }}'}
`

// sopsStore is as SOPS writes it with --encrypted-regex.
const sopsStore = `secrets:
    accessKey: ENC[AES256_GCM,data:cGxhbnRlZA==,iv:aXYx,tag:dGFnMQ==,type:str]
    secretKey: ENC[AES256_GCM,data:cGxhbnRlZDI=,iv:aXYy,tag:dGFnMg==,type:str]
objectStore:
    name: primary
    image:
        repository: quay.io/minio/aistor/minio
        tag: RELEASE.2026-06-06T02-44-06Z
sops:
    lastmodified: "2026-10-01T08:00:00Z"
    mac: ENC[AES256_GCM,data:bWFj,iv:aXYz,tag:dGFnMw==,type:str]
    version: 3.9.0
`

func TestValuesShowsWritesAndExplains(t *testing.T) {
	t.Parallel()
	to := []string{"--registry", "registry.example.com:5000", "--pull-secret", "pull"}
	for _, tc := range []struct {
		name  string
		files map[string]string
		args  []string
		code  int
	}{
		{"operator-diff", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml"}, term.ExitOK},
		{"detailed-exitcode", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml", "--detailed-exitcode"}, term.ExitChanges},
		{"store-diff", map[string]string{"s.yaml": storeValues}, []string{"--chart", newStore, "-f", "s.yaml"}, term.ExitOK},
		{"store-extra-secret", map[string]string{"s.yaml": storeValues + extraSecret}, []string{"--chart", newStore, "-f", "s.yaml", "--set", "objectStore.note=planted-changed-note"}, term.ExitOK},
		{"store-extra-secret-json", map[string]string{"s.yaml": storeValues + extraSecret}, []string{"--chart", newStore, "-f", "s.yaml", "-o", "json", "--set", "objectStore.other=planted-changed-note"}, term.ExitOK},
		{"store-yaml", map[string]string{"s.yaml": storeValues}, []string{"--chart", newStore, "-f", "s.yaml", "-o", "yaml"}, term.ExitOK},
		{"image-only", map[string]string{"s.yaml": storeValues}, []string{"--chart", newStore, "-f", "s.yaml", "--image-only", "RELEASE.2026-09-07T00-00-00Z"}, term.ExitOK},
		{"two-files", map[string]string{"op.yaml": operatorValues, "site.yaml": "repositories:\n  aistor:\n    hostname: quay.io # ours\n"},
			[]string{"--chart", newOperator, "-f", "site.yaml", "-f", "op.yaml"}, term.ExitOK},
		{"set", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml",
			"--set", "images.minio.image=minio:RELEASE.2026-06-06T02-44-06Z", "--set-string", "annotations.tier=1"}, term.ExitOK},
		{"set-secret", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml", "--set", "license=planted"}, term.ExitError},
		{"report", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml", "-o", "json"}, term.ExitOK},
		{"standard-input", nil, []string{"--chart", newOperator, "-f", "-"}, term.ExitOK},
		{"unresolved", map[string]string{"op.yaml": "sideCars: [1.37]\n"}, []string{"--chart", newOperator, "-f", "op.yaml"}, term.ExitCheckFailed},
		{"explain", map[string]string{"op.yaml": operatorValues + "    firewall: {repository: aistor, image: 'minwall:x'}\nrepositorys: {aistor: {hostname: x}}\n"},
			[]string{"--chart", newOperator, "--from-chart", oldOperator, "-f", "op.yaml", "--explain"}, term.ExitOK},
		{"explain-required", map[string]string{"s.yaml": "objectStore: {name: primary}\n"}, []string{"--chart", newStore, "-f", "s.yaml", "--explain"}, term.ExitCheckFailed},
		{"mirror-set", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml", "--references", "keep", "-o", "ImageTagMirrorSet"}, term.ExitOK},
		{"hosts", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml", "--references", "keep", "--map", "quay.io=team/quay.io", "-o", "hosts.toml"}, term.ExitOK},
		{"hosts-impossible", map[string]string{"op.yaml": operatorValues}, []string{"--chart", newOperator, "-f", "op.yaml", "--references", "keep", "-o", "hosts.toml"}, term.ExitError},
		{"refused-by-chart", map[string]string{"s.yaml": "objectStore: {image: {tag: x}}\nsecrets: {secretKey: planted-secret-key}\n"}, []string{"--chart", newStore, "-f", "s.yaml"}, term.ExitError},
		{"alias", map[string]string{"op.yaml": "x: &r {pathPrefix: minio/aistor/, hostname: quay.io}\nrepositories:\n  aistor: *r\n"}, []string{"--chart", newOperator, "-f", "op.yaml"}, term.ExitError},
		{"encrypted", map[string]string{"s.yaml": sopsStore}, []string{"--chart", newStore, "-f", "s.yaml", "--write"}, term.ExitError},
		{"not-final", map[string]string{"s.yaml": strings.NewReplacer("planted-access-key", "'${ROOT_USER}'", "short", "<path:secret/data/minio#password>").Replace(storeValues)},
			[]string{"--chart", newStore, "-f", "s.yaml"}, term.ExitError},
		{"not-text", map[string]string{"s.yaml": strings.NewReplacer("planted-access-key", "1234567890", "short", "123456789012").Replace(storeValues)},
			[]string{"--chart", newStore, "-f", "s.yaml"}, term.ExitError},
		{"literal", map[string]string{"s.yaml": strings.Replace(storeValues, "planted-access-key", "'${ROOT_USER}'", 1)},
			[]string{"--chart", newStore, "-f", "s.yaml", "--literal-value", "secrets.accessKey"}, term.ExitOK},
		{"not-yaml", map[string]string{"op.yaml": "a: [\n"}, []string{"--chart", newOperator, "-f", "op.yaml"}, term.ExitError},
		{"write-what", nil, []string{"--operator", "--write"}, term.ExitError},
		{"which-release", nil, nil, term.ExitError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newValuesFolder(t, tc.files)
			code, out, errOut := f.runValues(append(tc.args, to...)...)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			checkGolden(t, "values/"+tc.name, "-- stdout --\n"+out+"-- stderr --\n"+errOut)
			for name, text := range tc.files {
				if f.readFile(name) != text {
					t.Errorf("%s was changed without --write", name)
				}
			}
			masked := out + errOut
			if tc.name == "store-yaml" {
				masked = errOut // the values themselves were asked for
			}
			for _, secret := range []string{"planted", "payload", "secretKey: short"} {
				if strings.Contains(masked, secret) {
					t.Errorf("%q is shown", secret)
				}
			}
		})
	}
}

func TestValuesWritesFilesInPlaceAndKeepsWhatTheyWere(t *testing.T) {
	t.Parallel()
	windows := strings.ReplaceAll(operatorValues, "\n", "\r\n")
	f := newValuesFolder(t, map[string]string{"op.yaml": windows, "op.yaml.1.bak": "older"})
	if err := os.Symlink("op.yaml", filepath.Join(f.dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	args := []string{"--chart", newOperator, "-f", "link.yaml", "--registry", "r.example.com", "--prefix", "team", "--write", "--detailed-exitcode"}
	if code, _, errOut := f.runValues(args...); code != term.ExitOK {
		t.Fatalf("exit code %d\n%s", code, errOut)
	}
	if got := f.readFile("link.yaml.1.bak"); got != windows {
		t.Errorf("the backup is not what the file was: %q", got)
	}
	if got := f.readFile("op.yaml.1.bak"); got != "older" {
		t.Errorf("another backup was overwritten: %q", got)
	}
	info, err := os.Lstat(filepath.Join(f.dir, "link.yaml"))
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is none any more: %v %v", info, err)
	}
	info, err = os.Stat(filepath.Join(f.dir, "op.yaml"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is not kept: %v %v", info, err)
	}
	after := f.readFile("op.yaml")
	if !strings.HasPrefix(after, windows) || strings.Contains(strings.ReplaceAll(after, "\r\n", ""), "\n") {
		t.Errorf("more than the new lines changed: %q", after)
	}
	if code, _, errOut := f.runValues(args...); code != term.ExitOK || !strings.Contains(errOut, "nothing to change") {
		t.Errorf("again: exit code %d\n%s", code, errOut)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "link.yaml.2.bak")); err == nil {
		t.Error("a backup was made although nothing changed")
	}
}

func TestASecretInTwoFlagsIsRefused(t *testing.T) {
	t.Parallel()
	o := &option.Sets{}
	o.Set = []string{"env[0].name=MINIO_ROOT_PASSWORD", "env[0].value=planted"}
	if err := o.Validate(); err == nil || strings.Contains(term.ErrorText(err), "planted") {
		t.Errorf("error %v", err)
	}
	o.Set[1], o.File = "env[0].other=x", []string{"env[0].value=/nowhere"}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}

// Rewriting takes seconds, in which an editor or git may write the file.
func TestValuesLeaveAFileThatWasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newValuesFolder(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: somebody's\n"})
	files := []verb.EditedFile{
		{ValuesFile: verb.ValuesFile{Name: filepath.Join(f.dir, "a.yaml"), Data: []byte("a: 1\n")}, After: []byte("a: 2\n")},
		{ValuesFile: verb.ValuesFile{Name: filepath.Join(f.dir, "b.yaml"), Data: []byte("b: 1\n")}, After: []byte("b: 2\n")},
	}
	err := verb.WriteFiles(files, &verb.ValuesReport{Files: make([]verb.ValuesFileReport, 2)})
	if err == nil || !strings.Contains(err.Error(), "b.yaml") {
		t.Errorf("error %v", err)
	}
	if f.readFile("a.yaml") != "a: 1\n" || f.readFile("b.yaml") != "b: somebody's\n" {
		t.Error("a file was written")
	}
	if _, err := os.Stat(filepath.Join(f.dir, "a.yaml.1.bak")); err == nil {
		t.Error("a backup was made although nothing changed")
	}
}

// Whatever the cluster or bundle, the values of a release are shown without
// its secrets, and written whole.
func TestValuesOfAReleaseAreMaskedInDiffsOnly(t *testing.T) {
	t.Parallel()
	c, err := chart.Load(newOperator)
	if err != nil {
		t.Fatal(err)
	}
	release := plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Values: map[string]any{
		"license": "eyJhbGciOiJFUzM4NCJ9.payload.signature",
		"env":     []any{map[string]any{"name": "MINIO_ROOT_PASSWORD", "value": "planted"}},
	}}
	f, err := verb.ReleaseFile(release)
	if err != nil {
		t.Fatal(err)
	}
	s := &verb.ValuesSubject{Redactor: redact.New(), Release: release, Chart: c, User: release.Values, Files: []verb.ValuesFile{f}}
	s.Registry.Registry = "r.example.com"
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	o := &verb.ValuesOptions{Program: &term.Program{IOStreams: streams}, Output: option.Output{Format: verb.FormatDiff}}
	if err := o.RunRewrite(s); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "values/release", out.String()+errOut.String())
	if strings.Contains(out.String(), "planted") || strings.Contains(out.String(), "payload") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	out.Reset()
	o.Format = "yaml"
	if err := o.RunRewrite(s); err != nil {
		t.Fatal(err)
	}
	saved, err := chart.ParseValues(out.Bytes())
	if err != nil || values.GetString(saved, "license") != "eyJhbGciOiJFUzM4NCJ9.payload.signature" {
		t.Errorf("the saved values are not whole: %v %v", saved, err)
	}
	out.Reset()
	o.Format = "json"
	if err := o.RunRewrite(s); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Kind string }
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil || doc.Kind != "ValuesReport" || strings.Contains(out.String(), "planted") {
		t.Errorf("report: %v\n%s", err, out)
	}
}

// The chart does not check the password, so that it renders whatever it is.
func TestValuesSaysWhichPasswordsAreNoText(t *testing.T) {
	t.Parallel()
	for password, tc := range map[string]struct {
		code int
		want []string
	}{
		"0123456789":       {term.ExitError, []string{"secrets.secretKey (s.yaml line 1) is a number with a leading zero", "may change the root credentials"}},
		"1234":             {term.ExitOK, []string{"warning: secrets.secretKey (s.yaml line 1) is a number", "may change the root credentials"}},
		"{PASSWORD}":       {term.ExitError, []string{"secrets.secretKey (s.yaml line 1) is a map, ", "hint: put them in quotes"}},
		"[PASSWORD]":       {term.ExitError, []string{"secrets.secretKey (s.yaml line 1) is a list, "}},
		"~":                {term.ExitError, []string{"secrets.secretKey (s.yaml line 1) is nothing, "}},
		"\"planted12\\n\"": {term.ExitError, []string{"secrets.secretKey (s.yaml line 1) is text with white space", "hint: take the white space out of s.yaml, line 1, or --literal-value secrets.secretKey "}},
		"'<<PASSWORD>>'":   {term.ExitError, []string{"secrets.secretKey (s.yaml line 1) is an unreplaced variable"}},
	} {
		f := newValuesFolder(t, map[string]string{"s.yaml": strings.Replace(storeValues, "short", password, 1)})
		code, _, errOut := f.runValues("--chart", newStore, "-f", "s.yaml", "--registry", "registry.example.com:5000", "--pull-secret", "pull")
		said := strings.Join(strings.Fields(errOut), " ")
		for _, want := range tc.want {
			if code != tc.code || !strings.Contains(said, want) || strings.Contains(said, "1234") || strings.Contains(said, "planted12") || strings.Contains(said, "PASSWORD") {
				t.Errorf("%s: exit %d, %q is missing, or the password is shown:\n%s", password, code, want, errOut)
			}
		}
	}
}
