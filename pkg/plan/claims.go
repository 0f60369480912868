package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The reclaim policies and phases of a [Volume] that checks tell apart.
const (
	// ReclaimDelete deletes the data together with the claim.
	ReclaimDelete = "Delete"
	// PhaseBound is the phase of a claim with its volume, and of that volume.
	PhaseBound = "Bound"
)

// ClaimID tells a claim and its volume from those that bear the same names
// later.
type ClaimID struct {
	UID string
	// Volume is the PersistentVolume's name; empty where the claim had none.
	Volume string
}

// MarshalText writes "UID VOLUME".
func (id ClaimID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// String is "UID VOLUME".
func (id ClaimID) String() string { return id.UID + " " + cmp.Or(id.Volume, noVolume) }

// UnmarshalText reads what MarshalText wrote.
func (id *ClaimID) UnmarshalText(b []byte) error {
	uid, volume, ok := strings.Cut(string(b), " ")
	if !ok {
		return errors.New(`expected "UID VOLUME"`)
	}
	if volume == noVolume {
		volume = ""
	}
	*id = ClaimID{UID: uid, Volume: volume}
	return nil
}

// noVolume stands for the volume of a claim that has none.
const noVolume = "-"

// ClaimRecords are the volume claims of object stores at one time: by store, as
// namespace/name, and by the claim's name.
type ClaimRecords map[string]map[string]ClaimID

// summaryKey is no claim's name: below it lies the digest of a store with too
// many claims to record each.
const summaryKey = "*"

// ClaimRecords records the stores' claims as they are now.
func (f *Facts) ClaimRecords() ClaimRecords {
	r := ClaimRecords{}
	for _, c := range f.Claims {
		if c.Store == "" {
			continue
		}
		if r[c.Store] == nil {
			r[c.Store] = map[string]ClaimID{}
		}
		r[c.Store][c.Name] = ClaimID{UID: c.UID, Volume: c.Volume}
	}
	if len(r) == 0 {
		return nil
	}
	return r
}

// Since puts earlier records in the place of these, store by store: what was
// recorded first is what has to be kept. Neither is changed.
func (r ClaimRecords) Since(earlier ClaimRecords) ClaimRecords {
	if len(r)+len(earlier) == 0 {
		return nil
	}
	out := ClaimRecords{}
	maps.Copy(out, r)
	maps.Copy(out, earlier)
	return out
}

// Len is the number of claims.
func (r ClaimRecords) Len() int {
	n := 0
	for _, claims := range r {
		if all, summed := claims[summaryKey]; summed {
			count, _ := strconv.Atoi(all.Volume)
			n += count
			continue
		}
		n += len(claims)
	}
	return n
}

// Summary is a copy of the records that has, where they are more than limit
// claims, one digest for each store in place of its claims: it still shows that
// one was replaced, but not which one.
func (r ClaimRecords) Summary(limit int) ClaimRecords {
	total := r.Len()
	out := ClaimRecords{}
	for store, claims := range r {
		out[store] = maps.Clone(claims)
		if _, summed := claims[summaryKey]; total > limit && !summed {
			out[store] = map[string]ClaimID{summaryKey: sumOf(claims)}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func sumOf(claims map[string]ClaimID) ClaimID {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		fmt.Fprintln(h, name, claims[name])
	}
	return ClaimID{UID: "sha256:" + hex.EncodeToString(h.Sum(nil)), Volume: fmt.Sprint(len(claims))}
}

// ReplacedClaims are the recorded claims that do not exist any more, or that
// have another UID or volume. A claim that came since is none of them. Of
// namespaces whose claims were not checked there are none.
func (f *Facts) ReplacedClaims(recorded ClaimRecords) []Deletion {
	present := f.ClaimRecords()
	var out []Deletion
	for _, store := range slices.Sorted(maps.Keys(recorded)) {
		if namespace, _, _ := strings.Cut(store, "/"); f.claimsUnknown(namespace) {
			continue
		}
		now := present[store]
		if was, summed := recorded[store][summaryKey]; summed {
			if is := sumOf(now); is != was {
				out = append(out, replacedSome(store, was, is))
			}
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(recorded[store])) {
			was := recorded[store][name]
			is, there := now[name]
			if there && (is == was || is.UID == was.UID && was.Volume == "") {
				continue
			}
			out = append(out, replaced(store, name, was, is, there))
		}
	}
	return out
}

func replaced(store, name string, was, is ClaimID, there bool) Deletion {
	namespace, _, _ := strings.Cut(store, "/")
	d := Deletion{
		Object: ObjectKey{Kind: "PersistentVolumeClaim", Namespace: namespace, Name: name}, State: DeletionReplaced, Stores: []string{store},
		Expected: "UID " + was.UID + ", volume " + cmp.Or(was.Volume, noVolume), Received: "UID " + is.UID + ", volume " + cmp.Or(is.Volume, noVolume),
	}
	switch {
	case !there:
		d.State, d.Received = DeletionDone, "no such claim"
		d.Effect = "its volume was " + cmp.Or(was.Volume, noVolume)
	case was.Volume == is.Volume:
		d.Effect = "another claim has its name and its volume " + is.Volume
	default:
		d.Effect = fmt.Sprintf("its volume was %s and is %s now", cmp.Or(was.Volume, noVolume), cmp.Or(is.Volume, noVolume))
	}
	return d
}

func replacedSome(store string, was, is ClaimID) Deletion {
	namespace, name, _ := strings.Cut(store, "/")
	return Deletion{
		Object: ObjectKey{Kind: "ObjectStore", Namespace: namespace, Name: name}, State: DeletionReplaced, Stores: []string{store},
		Effect:   "its volume claims are not those that were recorded; the plan's file names each of these",
		Expected: was.Volume + " claims, " + was.UID, Received: is.Volume + " claims, " + is.UID,
	}
}

// missingClaims are those that a StatefulSet makes for its pods and that do not
// exist: the next restart of the pod gets an empty volume.
func (f *Facts) missingClaims() []Deletion {
	there := map[string]bool{}
	for _, c := range f.Claims {
		there[c.Namespace+"/"+c.Name] = true
	}
	var out []Deletion
	for _, w := range f.Workloads {
		if w.Store == "" || f.claimsUnknown(w.Namespace) {
			continue
		}
		for _, name := range w.ClaimNames() {
			if there[w.Namespace+"/"+name] {
				continue
			}
			out = append(out, Deletion{
				Object: ObjectKey{Kind: "PersistentVolumeClaim", Namespace: w.Namespace, Name: name}, State: DeletionDone, Stores: []string{w.Store},
				Effect: "its pod gets an empty volume when it restarts", Expected: "one claim for each pod of statefulset " + w.Name, Received: "no such claim",
			})
		}
	}
	return out
}

// ClaimNames are the claims that a StatefulSet makes: template-set-ordinal.
func (w Workload) ClaimNames() []string {
	var names []string
	for i := range w.Replicas {
		for _, t := range w.ClaimTemplates {
			names = append(names, fmt.Sprintf("%s-%s-%d", t, w.Name, w.FirstOrdinal+i))
		}
	}
	return names
}

// claimsUnknown reports whether the claims of a namespace were not checked.
func (f *Facts) claimsUnknown(namespace string) bool {
	if f.Namespace != "" && f.Namespace != namespace {
		return true
	}
	return slices.ContainsFunc(f.Gaps, func(g Gap) bool {
		what, where, bounded := strings.Cut(g.Subject, " in ")
		return what == "persistentvolumeclaims" && (!bounded || where == namespace)
	})
}
