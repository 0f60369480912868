package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// DeletionState says how far a deletion is.
type DeletionState string

// The states of a [Deletion].
const (
	// DeletionMarked means that the object has a deletionTimestamp: it exists
	// only as long as a finalizer, such as kubernetes.io/pvc-protection, holds it.
	DeletionMarked DeletionState = "marked for deletion"
	// DeletionDone means that an object which a server needs does not exist.
	DeletionDone DeletionState = "deleted"
	// DeletionReplaced means that another object has taken its name.
	DeletionReplaced DeletionState = "replaced"
)

// Deletion is one object of the installation that is being deleted, or that was
// deleted although a server needs it. Restarting pods then may release what the
// finalizers still hold.
type Deletion struct {
	Object ObjectKey     `json:"object"`
	State  DeletionState `json:"state"`
	// Since is the deletionTimestamp; zero where the state is another one.
	Since time.Time `json:"since,omitzero"`
	// Stores are the object stores whose data or servers go with it, as
	// namespace/name, sorted.
	Stores []string `json:"objectStores,omitempty"`
	// Effect says what the deletion leads to.
	Effect string `json:"effect,omitempty"`
	// Expected and Received are set where the object is not the one it was.
	Expected string `json:"expected,omitempty"`
	Received string `json:"received,omitempty"`
}

// Text is the deletion as one line; now is what its age is counted from. No
// colon follows the object: what stands behind one of a Secret is redacted.
func (d Deletion) Text(now time.Time) string {
	line := strings.ToLower(d.Object.Kind) + " " + strings.TrimPrefix(d.Object.Namespace+"/"+d.Object.Name, "/")
	switch d.State {
	case DeletionMarked:
		age := max(0, now.Sub(d.Since))
		line += fmt.Sprintf(" is marked for deletion since %s (%s ago)", d.Since.UTC().Format(time.RFC3339), duration.HumanDuration(age))
	default:
		line += " was " + string(d.State)
	}
	if d.Effect != "" {
		line += "; " + d.Effect
	}
	return line
}

// Deletions are the objects of the installation that are marked for deletion,
// and the claims that a server needs and that do not exist; what holds data
// comes first. Pods are not among them: a rollout deletes pods. Of the nodes
// only those count that run a pod of AIStor, since autoscalers delete others.
func (f *Facts) Deletions() []Deletion {
	var out []Deletion
	for _, d := range f.objects() {
		if !d.Since.IsZero() {
			out = append(out, d)
		}
	}
	return append(out, f.missingClaims()...)
}

// DeletionsSince are the [Facts.Deletions], and the claims that are not those
// of the records any more.
func (f *Facts) DeletionsSince(recorded ClaimRecords) []Deletion {
	replaced := f.ReplacedClaims(recorded)
	said := map[ObjectKey]bool{}
	for _, d := range replaced {
		said[d.Object] = true
	}
	return append(replaced, slices.DeleteFunc(f.Deletions(), func(d Deletion) bool {
		return d.State == DeletionDone && said[d.Object]
	})...)
}

// Tracked are the keys, without API version, of all objects in the facts: their
// deletionTimestamps are known.
func (f *Facts) Tracked() map[ObjectKey]bool {
	keys := map[ObjectKey]bool{}
	for _, d := range f.objects() {
		keys[d.Object] = true
	}
	return keys
}

// storesIn are the object stores of a namespace, or all where it is empty.
func (f *Facts) storesIn(namespace string) []string {
	var keys []string
	for _, s := range f.Stores {
		if namespace == "" || s.Namespace == namespace {
			keys = append(keys, s.Key())
		}
	}
	return keys
}

// objects are all objects of the facts but pods and events, each as a deletion
// whose Since is zero where it has no deletionTimestamp.
func (f *Facts) objects() []Deletion {
	l := &objectList{}
	l.addVolumes(f)
	for _, s := range f.Stores {
		l.add("ObjectStore", s.Namespace, s.Name, s.Terminating, "its servers and their claims are deleted with it", s.Key())
	}
	for _, w := range f.Workloads {
		effect := ""
		if w.Store != "" {
			effect = "its pods are deleted with it"
		}
		l.add(w.Kind, w.Namespace, w.Name, w.Terminating, effect, w.Store)
	}
	for _, n := range f.Namespaces {
		l.add("Namespace", "", n.Name, n.Terminating, "everything in it is deleted with it", f.storesIn(n.Name)...)
	}
	for _, c := range f.CRDs {
		effect, stores := "every object of its kind is deleted with it", []string(nil)
		if c.Name == aistor.CRDObjectStores {
			stores = f.storesIn("")
		}
		l.add("CustomResourceDefinition", "", c.Name, c.Terminating, effect, stores...)
	}
	l.addReleases(f)
	l.addOthers(f)
	return l.list
}

// objectList gathers objects.
type objectList struct{ list []Deletion }

func (l *objectList) add(kind, namespace, name string, since time.Time, effect string, stores ...string) {
	stores = slices.DeleteFunc(slices.Clone(stores), func(s string) bool { return s == "" })
	l.list = append(l.list, Deletion{
		Object: ObjectKey{Kind: kind, Namespace: namespace, Name: name}, State: DeletionMarked, Since: since, Effect: effect, Stores: stores,
	})
}

// addVolumes adds claims and their volumes.
func (l *objectList) addVolumes(f *Facts) {
	volumes := map[string]Volume{}
	for _, v := range f.Volumes {
		volumes[v.Name] = v
	}
	stores := map[string]string{}
	for _, c := range f.Claims {
		stores[c.Namespace+"/"+c.Name] = c.Store
		effect := "it is deleted when its pod restarts"
		if volumes[c.Volume].ReclaimPolicy == ReclaimDelete {
			effect += fmt.Sprintf(", and with it the data: the reclaim policy of volume %s is Delete", c.Volume)
		}
		l.add("PersistentVolumeClaim", c.Namespace, c.Name, c.Terminating, effect, c.Store)
	}
	for _, v := range f.Volumes {
		claim := v.ClaimNamespace + "/" + v.ClaimName
		l.add("PersistentVolume", "", v.Name, v.Terminating, "it is deleted with claim "+claim, stores[claim])
	}
}

func (l *objectList) addReleases(f *Facts) {
	releases := slices.Clone(f.Releases)
	if f.Operator != nil {
		releases = append(releases, *f.Operator)
	}
	for _, r := range releases {
		l.add("Secret", r.Namespace, fmt.Sprintf("sh.helm.release.v1.%s.v%d", r.Name, r.Revision), r.Terminating, "it is Helm's record of revision "+fmt.Sprint(r.Revision)+" of "+r.Key())
	}
}

func (l *objectList) addOthers(f *Facts) {
	for _, s := range f.Services {
		l.add("Service", s.Namespace, s.Name, s.Terminating, "")
	}
	for _, b := range f.Bindings {
		l.add(b.Kind, b.Namespace, b.Name, b.Terminating, "")
	}
	for _, w := range f.Webhooks {
		l.add("MutatingWebhookConfiguration", "", w.Configuration, w.Terminating, "")
	}
	for _, s := range f.PullSecrets {
		if s.Present {
			l.add("Secret", s.Namespace, s.Name, s.Terminating, "")
		}
	}
	if f.License != nil && f.License.Present {
		l.add("Secret", f.License.Namespace, aistor.LicenseSecret, f.License.Terminating, "")
	}
	for _, a := range f.ServiceAccounts {
		l.add("ServiceAccount", a.Namespace, a.Name, a.Terminating, "")
	}
	for _, b := range f.DisruptionBudgets {
		l.add("PodDisruptionBudget", b.Namespace, b.Name, b.Terminating, "")
	}
	pods := map[string]Pod{}
	for _, p := range f.Pods {
		pods[p.Node] = p
	}
	for _, n := range f.Nodes {
		if p, used := pods[n.Name]; used {
			l.add("Node", "", n.Name, n.Terminating, fmt.Sprintf("pod %s/%s runs there", p.Namespace, p.Name), p.Store)
		}
	}
	for _, m := range f.Marked {
		l.add(m.Kind, m.Namespace, m.Name, m.Terminating, "")
	}
	seen := map[ObjectKey]bool{}
	l.list = slices.DeleteFunc(l.list, func(d Deletion) bool {
		defer func() { seen[d.Object] = true }()
		return seen[d.Object]
	})
}
