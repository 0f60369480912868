package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// deletionNeeds are the resources whose deletionTimestamps are checked;
// "rendered" are the objects of the releases' manifests.
func deletionNeeds() []string {
	return []string{
		"persistentvolumeclaims", "persistentvolumes", "objectstores", "namespaces", "customresourcedefinitions", "statefulsets",
		"deployments", "services", "secrets", "serviceaccounts", "releases", "rolebindings", "clusterrolebindings",
		"mutatingwebhookconfigurations", "poddisruptionbudgets", "nodes", "rendered",
	}
}

func deletionCheck(phase Phase) Check {
	return Check{ID: "nothing-deleting", Title: "Nothing being deleted", Phase: phase, Mandatory: true, Partial: true, Needs: deletionNeeds(), Run: checkDeletions,
		Inspects:  "the deletionTimestamp of every object of the installation except pods: volume claims and their volumes, object stores, namespaces, CRDs, workloads, nodes in use and all objects in the releases' manifests; the volume claim of each server",
		FailsWhen: "an object is marked for deletion, or a server's volume claim does not exist; it cannot be waived or skipped"}
}

func volumesKeptCheck(phase Phase) Check {
	return Check{ID: "volumes-kept", Title: "Volumes kept", Phase: phase, Mandatory: true, Partial: true,
		Needs: []string{"persistentvolumeclaims", "objectstores", "statefulsets", "journals"}, Run: checkVolumesKept,
		Inspects:  "UID and volume of each volume claim against those that the plan, or the journal of the last upgrade, recorded",
		FailsWhen: "a recorded claim was deleted, or is another one, or has another volume, unless --accept-volume-change names it; it cannot be waived or left out"}
}

func volumesBoundCheck(phase Phase) Check {
	return Check{ID: "volumes-bound", Title: "Volumes bound", Phase: phase, Partial: true,
		Needs: []string{"persistentvolumeclaims", "persistentvolumes"}, Run: checkVolumesBound,
		Inspects:  "the phase of each volume claim of an object store and of its volume, the claim that the volume belongs to, and its reclaim policy",
		FailsWhen: "a claim is not bound or lost its volume, or the volume is released, failed or another claim's; a warning for a released volume of an earlier claim of the same name"}
}

func checkDeletions(_ context.Context, s *Subject) Result {
	var f findings
	deletions := s.Facts.Deletions()
	for _, d := range deletions {
		addDeletion(&f, s, d)
	}
	tracked := len(s.Facts.Tracked())
	if tracked == 0 && len(f.list) == 0 {
		return skipResult("no AIStor objects")
	}
	r := f.buildResult("%s marked for deletion", plural.CountIs(0, "object"))
	if r.Status == Pass {
		r.Message = fmt.Sprintf("none of %s is marked for deletion", plural.Count(tracked, "object"))
		return r
	}
	r.Remedy = cmp.Or(strings.TrimSpace(retainCommand(s.Facts, deletions)), r.Remedy)
	return r
}

func addDeletion(f *findings, s *Subject, d plan.Deletion) {
	one := f.addFailure(d.Object, "%s", d.Text(s.Now))
	if d.State == plan.DeletionMarked {
		one.setDetails("deletionTimestamp "+d.Since.UTC().Format("2006-01-02T15:04:05Z07:00"), "no deletionTimestamp", describeCommand(d.Object))
		return
	}
	remedy := shellquote.Command("kubectl get pvc -n %s", d.Object.Namespace)
	one.setDetails(d.Received, d.Expected, remedy)
}

// mostVolumes is how many volumes are named in one command.
const mostVolumes = 16

// retainCommand keeps the data of claims that are marked for deletion: a volume
// that is retained outlives its claim. It is empty where no volume would be
// deleted with its claim.
func retainCommand(f *plan.Facts, deletions []plan.Deletion) string {
	marked := map[string]bool{} // claims, as namespace/name
	for _, d := range deletions {
		switch d.Object.Kind {
		case "PersistentVolumeClaim":
			marked[d.Object.Namespace+"/"+d.Object.Name] = true
		case "Namespace", "ObjectStore", "StatefulSet", "CustomResourceDefinition":
			for _, c := range f.Claims {
				if slices.Contains(d.Stores, c.Store) {
					marked[c.Namespace+"/"+c.Name] = true
				}
			}
		}
	}
	var names []string
	for _, v := range f.Volumes {
		if v.ReclaimPolicy == plan.ReclaimDelete && marked[v.ClaimNamespace+"/"+v.ClaimName] {
			names = append(names, shellquote.Quote(v.Name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	command := "kubectl patch pv %s --patch '{\"spec\":{\"persistentVolumeReclaimPolicy\":\"Retain\"}}'"
	var lines []string
	for part := range slices.Chunk(names, mostVolumes) {
		lines = append(lines, fmt.Sprintf(command, strings.Join(part, " ")))
	}
	return strings.Join(lines, "\n")
}

func checkVolumesKept(_ context.Context, s *Subject) Result {
	recorded := s.Recorded
	if recorded == nil && s.Plan != nil {
		recorded = s.Plan.Claims
	}
	if len(recorded) == 0 {
		return skipResult("neither a plan nor a journal recorded volume claims")
	}
	var f findings
	for _, d := range s.Facts.ReplacedClaims(recorded) {
		remedy := shellquote.Command("kubectl get pvc -n %s", d.Object.Namespace)
		if d.Object.Kind == "PersistentVolumeClaim" {
			remedy = shellquote.Command("--accept-volume-change %s", d.Object.Namespace+"/"+d.Object.Name) + ", if that was wanted"
		}
		f.addFailure(d.Object, "%s", d.Text(s.Now)).setDetails(d.Received, d.Expected, remedy)
	}
	return f.buildResult("%s as recorded", plural.CountIs(recorded.Len(), "volume claim"))
}

func checkVolumesBound(_ context.Context, s *Subject) Result {
	if len(s.Facts.Claims) == 0 {
		return skipResult("no volume claims of object stores")
	}
	var f findings
	volumes := map[string]plan.Volume{}
	for _, v := range s.Facts.Volumes {
		volumes[v.Name] = v
	}
	listed, deleting := !hasListGap(s.Facts, "persistentvolumes"), 0
	bound := map[string]string{}
	for _, c := range s.Facts.Claims {
		bound[c.Namespace+"/"+c.Name] = c.Volume
		v, found := volumes[c.Volume]
		if v.ReclaimPolicy == plan.ReclaimDelete {
			deleting++
		}
		judgeClaim(&f, s, c)
		if c.Phase == plan.PhaseBound && c.Volume != "" && listed {
			judgeVolume(&f, c, v, found)
		}
	}
	for _, v := range s.Facts.Volumes {
		claim := v.ClaimNamespace + "/" + v.ClaimName
		if now, there := bound[claim]; there && now != v.Name {
			k := plan.ObjectKey{Kind: "PersistentVolume", Name: v.Name}
			f.addWarning(k, "%s: %s, of an earlier claim %s; it may hold data that the store lacks", k.Label(), v.Phase, claim).
				setDetails("claim has volume "+cmp.Or(strings.TrimSpace(now), "none"), "no second volume", describeCommand(k))
		}
	}
	r := f.buildResult("%s bound", plural.CountIs(len(s.Facts.Claims), "volume claim"))
	if r.Status == Pass && deleting > 0 {
		r.Message += fmt.Sprintf("; reclaim policy Delete for %d: the data is deleted with the claim", deleting)
	}
	return r
}

// judgeClaim names a claim without its volume. One that waits for its volume
// may be what an interrupted upgrade left.
func judgeClaim(f *findings, s *Subject, c plan.Claim) {
	k := plan.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name}
	switch why := interruptedReason(s); {
	case c.Phase == plan.PhaseBound:
	case c.Phase == "Pending" && why != "":
		f.addWarning(k, "%s: Pending: %s", k.Label(), why).setDetails(c.Phase, plan.PhaseBound, describeCommand(k))
	default:
		f.addFailure(k, "%s: %s", k.Label(), cmp.Or(strings.TrimSpace(c.Phase), "no phase")).setDetails(cmp.Or(strings.TrimSpace(c.Phase), "no phase"), plan.PhaseBound, describeCommand(k))
	}
}

// judgeVolume names a volume that is not the claim's any more.
func judgeVolume(f *findings, c plan.Claim, v plan.Volume, found bool) {
	k := plan.ObjectKey{Kind: "PersistentVolume", Name: c.Volume}
	claim := "persistentvolumeclaim " + c.Namespace + "/" + c.Name
	switch {
	case !found:
		f.addFailure(k, "%s: its volume %s does not exist or belongs to no claim", claim, c.Volume).setDetails("no volume", c.Volume, describeCommand(k))
	case v.ClaimNamespace != c.Namespace || v.ClaimName != c.Name || v.ClaimUID != "" && c.UID != "" && v.ClaimUID != c.UID:
		f.addFailure(k, "%s: its volume %s belongs to another claim", claim, c.Volume).
			setDetails(v.ClaimNamespace+"/"+v.ClaimName+" "+v.ClaimUID, c.Namespace+"/"+c.Name+" "+c.UID, describeCommand(k))
	case v.Phase != plan.PhaseBound:
		f.addFailure(k, "%s: its volume %s is %s", claim, c.Volume, cmp.Or(strings.TrimSpace(v.Phase), "in no phase")).setDetails(v.Phase, plan.PhaseBound, describeCommand(k))
	}
}
