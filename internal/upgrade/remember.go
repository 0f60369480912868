package upgrade

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

// Finding is what a check said that did not pass, for the report of a later
// attempt.
type Finding struct {
	// Check is its stable ID, Status its outcome.
	Check  string `json:"check"`
	Status string `json:"status"`
	// After says that it was checked after the upgrade.
	After   bool   `json:"after,omitempty"`
	Message string `json:"message,omitempty"`
	// Waived is the reason why it was accepted.
	Waived string `json:"waived,omitempty"`
}

// remember puts what was seen so far into the journal's run, for the report of
// whoever goes on from here.
func (e *Executor) remember() {
	r := &e.journal.run
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
	n := len(r.Attempts)
	if e.opts.Findings == nil || n == 0 {
		return
	}
	last := &r.Attempts[n-1]
	last.Findings = nil
	for _, f := range e.opts.Findings() {
		if len(last.Findings) < findingLimit {
			f.Message, f.Waived = cut(e.secrets.Text(f.Message)), cut(e.secrets.Text(f.Waived))
			last.Findings = append(last.Findings, f)
		}
	}
}

// availability is what was seen in all attempts of this plan.
func (e *Executor) availability() []Availability {
	return together(e.earlier, e.tracker.result())
}

// together is what was seen before and then.
func together(before, then []Availability) []Availability {
	out := slices.Clone(then)
	for _, was := range before {
		i := slices.IndexFunc(out, func(a Availability) bool { return a.Store == was.Store })
		if i < 0 {
			out = append(out, was)
			continue
		}
		out[i] = was.and(out[i])
	}
	return out
}

// lineage are the runs of other plans that this one went on from, the oldest
// first.
func (e *Executor) lineage() []Run {
	var out []Run
	for plan := e.journal.run.Resumes; plan != ""; {
		i := slices.IndexFunc(e.runs, func(r Run) bool { return r.Plan == plan })
		if i < 0 || slices.ContainsFunc(out, func(r Run) bool { return r.Plan == plan }) {
			break
		}
		out = append(out, e.runs[i])
		plan = e.runs[i].Resumes
	}
	slices.Reverse(out)
	return out
}

// and is what was seen in two attempts, the later one given.
func (a Availability) and(b Availability) Availability {
	out := Availability{
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
func thin(s []Sample, n int) []Sample {
	if len(s) <= n {
		return s
	}
	out := make([]Sample, 0, n)
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

// lightened is a copy of a run without what fills a journal most.
func (r Run) lightened() Run {
	r.Availability = slices.Clone(r.Availability)
	for i := range r.Availability {
		r.Availability[i].Timeline, r.Availability[i].Outages = nil, nil
	}
	r.Pods, r.Claims = nil, r.Claims.Summary(0)
	r.Attempts = slices.Clone(r.Attempts)
	for i := range r.Attempts {
		r.Attempts[i].Findings = nil
	}
	r.Steps = slices.Clone(r.Steps)
	for i := range r.Steps {
		r.Steps[i].Message = ""
	}
	return r
}
