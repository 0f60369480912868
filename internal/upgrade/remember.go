package upgrade

import "github.com/aistor-upgrade/aistor-upgrade/internal/journal"

import "slices"

const (
	// findingLimit is how many findings an attempt remembers.
	findingLimit = 30
	// rememberedSamples is how many changes of the number of ready pods a
	// journal keeps of one store.
	rememberedSamples = 100
	// rememberedOutages is how many outages it keeps, the newest ones.
	rememberedOutages = 30
	// rememberedPods and rememberedSpans bound what a journal keeps of single
	// pods.
	rememberedPods  = 32
	rememberedSpans = 12
)

// remember puts what was seen so far into the journal's run, for the report of
// whoever goes on from here.
func (e *Executor) remember() {
	r := &e.journal.Run
	r.Availability = nil
	for _, a := range e.availability() {
		a.Timeline = thin(a.Timeline, rememberedSamples)
		a.Outages = a.Outages[max(0, len(a.Outages)-rememberedOutages):]
		r.Availability = append(r.Availability, a)
	}
	r.Pods = nil
	for _, p := range joined(e.earlierPods, e.tracker.pods()) {
		if len(r.Pods) < rememberedPods {
			p.Spans = p.Spans[max(0, len(p.Spans)-rememberedSpans):]
			r.Pods = append(r.Pods, p)
		}
	}
	last := e.journal.Current()
	if e.opts.Findings == nil || last == nil {
		return
	}
	last.Findings = nil
	for _, f := range e.opts.Findings() {
		if len(last.Findings) < findingLimit {
			f.Message, f.Waived = journal.Cut(e.secrets.Text(f.Message)), journal.Cut(e.secrets.Text(f.Waived))
			last.Findings = append(last.Findings, f)
		}
	}
}

// availability is what was seen in all attempts of this plan.
func (e *Executor) availability() []journal.Availability {
	return together(e.earlier, e.tracker.result())
}

// together is what was seen before and then.
func together(before, then []journal.Availability) []journal.Availability {
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
	if b.Worst != "" && (a.Worst == "" || health(b.Worst) < health(a.Worst)) {
		out.Worst = b.Worst
	}
	return out
}

// thin leaves at most n samples. What lies between two that stay is told by its
// lowest, so that a short outage is never smoothed away.
func thin(s []journal.Sample, n int) []journal.Sample {
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
