package upgrade

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
)

const (
	// maxFindings is how many findings an attempt remembers.
	maxFindings = 30
	// maxSavedSamples is how many changes of the number of ready pods a
	// journal keeps of one store.
	maxSavedSamples = 100
	// maxSavedOutages is how many outages it keeps, the newest ones.
	maxSavedOutages = 30
	// maxSavedPods and rememberedSpans bound what a journal keeps of single
	// pods.
	maxSavedPods  = 32
	maxSavedSpans = 12
)

// recordObservations saves observations in the journal's run, for the report of
// a later run.
func (e *Executor) recordObservations() {
	r := &e.journal.Run
	r.Availability = nil
	for _, a := range e.mergedAvailability() {
		a.Timeline = downsample(a.Timeline, maxSavedSamples)
		a.Outages = a.Outages[max(0, len(a.Outages)-maxSavedOutages):]
		r.Availability = append(r.Availability, a)
	}
	r.Pods = nil
	for _, p := range mergeTimelines(e.earlierPods, e.tracker.timelines()) {
		if len(r.Pods) < maxSavedPods {
			p.Spans = p.Spans[max(0, len(p.Spans)-maxSavedSpans):]
			r.Pods = append(r.Pods, p)
		}
	}
	last := e.journal.Current()
	if e.opts.Findings == nil || last == nil {
		return
	}
	last.Findings = nil
	for _, f := range e.opts.Findings() {
		if len(last.Findings) < maxFindings {
			f.Message, f.Waived = journal.Cut(e.secrets.Text(f.Message)), journal.Cut(e.secrets.Text(f.Waived))
			last.Findings = append(last.Findings, f)
		}
	}
}

// mergedAvailability is what was seen in all attempts of this plan.
func (e *Executor) mergedAvailability() []journal.Availability {
	return mergeAvailability(e.earlierAvailability, e.tracker.sortedAvailability())
}

// mergeAvailability merges two series of observations.
func mergeAvailability(before, then []journal.Availability) []journal.Availability {
	out := slices.Clone(then)
	for _, was := range before {
		i := slices.IndexFunc(out, func(a journal.Availability) bool { return a.Store == was.Store })
		if i < 0 {
			out = append(out, was)
			continue
		}
		out[i] = joinAvailability(was, out[i])
	}
	return out
}

// joinAvailability is what was seen of a store in an earlier and a later attempt.
func joinAvailability(a, b journal.Availability) journal.Availability {
	out := journal.Availability{
		Store: a.Store, Pods: b.Pods, LowestReady: min(a.LowestReady, b.LowestReady), Worst: a.Worst,
		Known: a.Known || b.Known, Probes: a.Probes + b.Probes, Failed: a.Failed + b.Failed, Unanswered: a.Unanswered + b.Unanswered,
		At: a.At, Unavailable: a.Unavailable + b.Unavailable, Timeline: slices.Concat(a.Timeline, b.Timeline), Outages: slices.Concat(a.Outages, b.Outages),
	}
	for _, at := range b.At {
		if !slices.Contains(out.At, at) {
			out.At = append(slices.Clip(out.At), at)
		}
	}
	if b.Worst != "" && (a.Worst == "" || readiness.HealthRank(b.Worst) < readiness.HealthRank(a.Worst)) {
		out.Worst = b.Worst
	}
	return out
}

// downsample keeps at most n samples. Each represents the samples of its interval by the
// lowest value, so that a short outage is never lost.
func downsample(s []journal.Sample, n int) []journal.Sample {
	if len(s) <= n {
		return s
	}
	out := make([]journal.Sample, 0, n)
	for i := range n {
		part := s[i*len(s)/n : (i+1)*len(s)/n]
		low := part[0]
		for _, p := range part {
			low.Ready = min(low.Ready, p.Ready)
		}
		out = append(out, low)
	}
	return out
}
