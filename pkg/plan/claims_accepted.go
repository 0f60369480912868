package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

// AcceptClaims is a copy of earlier records in which each accepted claim, as
// namespace/name, is what it is now: it has another volume, or does not exist.
// What is marked for deletion now is never accepted, nor what was not checked,
// nor a claim of a store with one digest for all its claims. The records are not
// changed.
func (f *Facts) AcceptClaims(recorded ClaimRecords, accepted []string) ClaimRecords {
	if recorded == nil {
		return nil
	}
	present, out := f.ClaimRecords(), ClaimRecords{}
	for store, claims := range recorded {
		namespace, _, _ := strings.Cut(store, "/")
		out[store] = maps.Clone(claims)
		for name := range claims {
			key := namespace + "/" + name
			if name == summaryKey || !slices.Contains(accepted, key) || f.claimsUnknown(namespace) || f.markedClaim(key) {
				continue
			}
			if is, there := present[store][name]; there {
				out[store][name] = is
			} else {
				delete(out[store], name)
			}
		}
	}
	return out
}

// markedClaim reports whether a claim, as namespace/name, is marked for deletion.
func (f *Facts) markedClaim(key string) bool {
	return slices.ContainsFunc(f.Claims, func(c Claim) bool {
		return c.Namespace+"/"+c.Name == key && !c.Terminating.IsZero()
	})
}

// Missing names the first claim of these records that others do not have; it is
// empty where they have all.
func (r ClaimRecords) Missing(in ClaimRecords) string {
	for _, store := range slices.Sorted(maps.Keys(r)) {
		if _, summed := in[store][summaryKey]; summed {
			continue
		}
		namespace, _, _ := strings.Cut(store, "/")
		for _, name := range slices.Sorted(maps.Keys(r[store])) {
			if _, there := in[store][name]; !there {
				return fmt.Sprintf("volume claim %s/%s of object store %s", namespace, name, store)
			}
		}
	}
	return ""
}

func acceptedVolumesRule() Rule {
	return Rule{ID: "accept-volume-change", Notices: []string{"accept-volume-change"}, Evaluate: evaluateAcceptedVolumes}
}

// evaluateAcceptedVolumes says what was accepted, and refuses what cannot be.
func evaluateAcceptedVolumes(in Inputs, _ *Plan) Verdict {
	const id = "accept-volume-change"
	var v Verdict
	present := map[string]ClaimID{}
	for _, c := range in.Facts.Claims {
		present[c.Namespace+"/"+c.Name] = ClaimID{UID: c.UID, Volume: c.Volume}
	}
	for _, key := range in.Options.AcceptVolumes {
		k := objectIn("PersistentVolumeClaim", key)
		is, there := present[key]
		switch {
		case in.Facts.markedClaim(key):
			v.add(SeverityRefuse, id, k, "volume claim %s is marked for deletion: no change of its volume can be accepted", key).
				setDetails("", "", shellquote.Command("kubectl describe persistentvolumeclaim %s -n %s", k.Name, k.Namespace))
		case there:
			v.add(SeverityWarn, id, k, "volume claim %s has volume %s now; that it may have had another one is accepted", key, cmp.Or(is.Volume, noVolume))
		default:
			v.add(SeverityWarn, id, k, "volume claim %s does not exist now, which is accepted", key)
		}
	}
	return v
}
