package lease

import (
	"strings"
	"time"
	"unicode"

	coordination "k8s.io/api/coordination/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// Name is the Lease that keeps a second run out.
	Name = "aistor-upgrade"
	// lastHolder is the annotation that names who gave the lease back.
	lastHolder = "upgrade.aistor.dev/last-holder"
	// holderLimit bounds the text of a holder, which may be anybody's.
	holderLimit = 160
	// longestTerm bounds the term that another holder may claim: nobody is kept
	// out for longer by what is in an object.
	longestTerm = 2 * time.Minute
	// longSilence is longer than any difference between the clocks of two
	// machines, a time zone taken for another included.
	longSilence = 24 * time.Hour
)

// fill makes cur a lease that is renewed now by l's holder.
func (l *Lease) fill(cur *coordination.Lease) *coordination.Lease {
	now := meta.NewMicroTime(l.now())
	seconds := int32(l.term / time.Second)
	cur.Name, cur.Namespace = Name, l.namespace
	if cur.Labels == nil {
		cur.Labels = map[string]string{}
	}
	cur.Labels["app.kubernetes.io/managed-by"] = "aistor-upgrade"
	if rawHolder(cur) != l.holder {
		cur.Spec.AcquireTime = &now
	}
	cur.Spec.HolderIdentity, cur.Spec.LeaseDurationSeconds, cur.Spec.RenewTime = &l.holder, &seconds, &now
	return cur
}

// empty makes cur a lease that nobody holds, and that says who did.
func (l *Lease) empty(cur *coordination.Lease) *coordination.Lease {
	now := meta.NewMicroTime(l.now())
	if cur.Annotations == nil {
		cur.Annotations = map[string]string{}
	}
	cur.Annotations[lastHolder] = l.holder
	cur.Spec.HolderIdentity, cur.Spec.AcquireTime, cur.Spec.RenewTime = nil, nil, &now
	return cur
}

// rawHolder is the holder as it stands there, to be compared and never shown.
func rawHolder(l *coordination.Lease) string {
	if l == nil || l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// holderOf is the holder for people.
func holderOf(l *coordination.Lease) string { return clean(rawHolder(l)) }

// clean bounds a text of unknown origin and takes out what is not printable.
func clean(s string) string {
	if len(s) > holderLimit {
		s = s[:holderLimit] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// acquired is when the holder took the lease; zero where unknown.
func acquired(l *coordination.Lease) time.Time { return timeOf(l.Spec.AcquireTime) }

func timeOf(t *meta.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// termOf is how long a holder may stay silent: no less than own, since a run
// with a short term must not take over from one with a longer one.
func termOf(l *coordination.Lease, own time.Duration) time.Duration {
	if l == nil || l.Spec.LeaseDurationSeconds == nil {
		return own
	}
	claimed := time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second
	return max(own, min(claimed, longestTerm))
}

// renewed reports whether the holder did anything between two looks.
func renewed(a, b *coordination.Lease) bool {
	return a.ResourceVersion != b.ResourceVersion || rawHolder(a) != rawHolder(b) || !a.Spec.RenewTime.Equal(b.Spec.RenewTime)
}
