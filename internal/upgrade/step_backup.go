package upgrade

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var _ = register(action{
	ID: plan.ActionBackup,
	Done: func(e *Executor, _ context.Context, _ plan.Step) (bool, string, error) {
		if dir := e.backupDir(); backupComplete(dir, e.digest) {
			e.recordBackup(dir)
			return true, "kept from an earlier attempt: " + dir, nil
		}
		return e.nothingToChange, "nothing to change", nil
	},
	Apply: func(e *Executor, ctx, _ context.Context, _ plan.Step) (string, error) { return e.writeBackup(ctx) },
})

// backupIndex is the file that completes a backup; it is written last.
const backupIndex = "backup.json"

// backup describes a backup directory.
type backup struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Plan       string    `json:"plan"`
	Cluster    string    `json:"cluster,omitempty"`
	Time       time.Time `json:"time"`
	// Note says what a reader must know before using the files.
	Note string `json:"note"`
	// Files maps each file to its SHA-256.
	Files map[string]string `json:"files"`
	// Omitted says what is not in the backup, and why.
	Omitted []string `json:"omitted,omitempty"`
}

// backupDir is this plan's own directory, so that a second plan never touches the
// backup of the first.
func (e *Executor) backupDir() string {
	if e.opts.BackupDir == "" {
		return ""
	}
	return filepath.Join(e.opts.BackupDir, journal.Short(e.digest))
}

// backupComplete reports whether dir holds this plan's backup, each file as it
// was written.
func backupComplete(dir, digest string) bool {
	if dir == "" {
		return false
	}
	doc, err := os.ReadFile(filepath.Join(dir, backupIndex))
	var b backup
	if err != nil || json.Unmarshal(doc, &b) != nil || b.Plan != digest {
		return false
	}
	for name, want := range b.Files {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || sha256Hex(content) != want {
			return false
		}
	}
	return true
}

// recordBackup remembers the directory for the outcome, and in the journal for whoever
// resumes this run, maybe from another directory.
func (e *Executor) recordBackup(dir string) {
	e.backup, e.journal.Backup = dir, dir
	if whole, err := filepath.Abs(dir); err == nil {
		e.journal.Backup = whole
	}
}

// BackupError says that a backup could not be written; nothing is changed without
// one.
type BackupError struct {
	Dir   string
	Cause error
}

// Error names the directory.
func (e *BackupError) Error() string { return fmt.Sprintf("writing backup to %q: %v", e.Dir, e.Cause) }

// Unwrap is what the system said.
func (e *BackupError) Unwrap() error { return e.Cause }

// Hint names the flag.
func (e *BackupError) Hint() string {
	return "free disk space, or set another directory with --backup-dir"
}

// writeBackup writes what was there before the plan: values, manifests, CRDs
// and ObjectStores, and what the plan adds to the values, readable by the owner
// alone and without secrets.
func (e *Executor) writeBackup(ctx context.Context) (string, error) {
	dir := e.backupDir()
	if dir == "" {
		return "", errors.New("writing backup: no directory set")
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	b := backup{
		APIVersion: plan.APIVersion, Kind: "Backup", Plan: e.digest, Cluster: e.facts.ClusterUID, Time: e.opts.Now().UTC(),
		Note:  "Secrets are omitted: supply license, credentials and pull secrets when restoring.",
		Files: map[string]string{},
	}
	w := backupWriter{dir: dir, index: &b, secrets: e.secrets}
	w.writeReleases(e.facts)
	for _, c := range e.facts.CRDs {
		w.writeObject("crds/"+c.Name, c.Object)
	}
	for _, s := range e.facts.Stores {
		w.writeObject("objectstores/"+s.Namespace+"/"+s.Name, s.Object)
	}
	added := w.writeValues(e.plan, e.inputs)
	w.writeJSON(backupIndex, b)
	if w.err != nil {
		return "", &BackupError{Dir: dir, Cause: w.err}
	}
	e.recordBackup(dir)
	if len(added) > 0 {
		return fmt.Sprintf("%s; %s contains the values that %s adds", dir, filepath.Join(dir, "values"), strings.Join(added, ", ")), nil
	}
	return dir, nil
}

// backupWriter keeps its first error.
type backupWriter struct {
	dir     string
	index   *backup
	secrets *redact.Redactor
	err     error
}

func (w *backupWriter) writeReleases(f *plan.Facts) {
	all := f.Releases
	if f.Operator != nil {
		all = append([]plan.InstalledRelease{*f.Operator}, all...)
	}
	for _, r := range all {
		base := "releases/" + r.Namespace + "/" + r.Name + "/"
		w.writeYAML(base+"values.yaml", w.secrets.Object(orEmpty(r.Values)))
		r.Description = w.secrets.Text(r.Description) // of a failure it holds what Helm said
		w.writeJSON(base+"release.json", r)
		objects, unreadable := images.ParseReleaseManifest(r.Manifest)
		if unreadable > 0 {
			w.index.Omitted = append(w.index.Omitted, fmt.Sprintf("%d documents of release %s: they cannot be parsed", unreadable, r.Key()))
		}
		w.writeManifest(base+"manifest.yaml", r.Key(), objects)
	}
}

func (w *backupWriter) writeManifest(name, release string, objects []images.Object) {
	var b strings.Builder
	for _, o := range objects {
		key := plan.KeyOf(o, "")
		if key.Kind == "Secret" {
			w.index.Omitted = append(w.index.Omitted, fmt.Sprintf("Secret %s of release %s", key.Name, release))
			continue
		}
		doc, err := message.YAML(w.secrets.Object(o))
		w.setError(err)
		b.WriteString("---\n")
		b.Write(doc)
	}
	w.writeFile(name, []byte(b.String()))
}

// writeObject writes a live object without what the API server alone maintains.
func (w *backupWriter) writeObject(name string, o images.Object) {
	if o == nil {
		w.index.Omitted = append(w.index.Omitted, name+": not read")
		return
	}
	u := (&unstructured.Unstructured{Object: o}).DeepCopy()
	unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
	w.writeYAML(name+".yaml", w.secrets.Object(u.Object))
}

func (w *backupWriter) writeYAML(name string, v any) {
	doc, err := message.YAML(v)
	w.setError(err)
	w.writeFile(name, doc)
}

func (w *backupWriter) writeJSON(name string, v any) {
	doc, err := json.MarshalIndent(v, "", "  ")
	w.setError(err)
	w.writeFile(name, append(doc, '\n'))
}

func (w *backupWriter) writeFile(name string, content []byte) {
	if w.err != nil {
		return
	}
	w.index.Files[name] = sha256Hex(content)
	w.setError(writePrivate(filepath.Join(w.dir, filepath.FromSlash(name)), content))
}

func (w *backupWriter) setError(err error) {
	if w.err == nil {
		w.err = err
	}
}

// writePrivate writes a file for the owner alone, whole or not at all.
func writePrivate(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return safefile.Write(path, content, 0o600)
}

func sha256Hex(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
