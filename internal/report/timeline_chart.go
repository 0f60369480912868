package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
)

// The dimensions of a chart, in its own coordinates.
const (
	chartLeft   = 150
	chartWidth  = 760
	chartRight  = 28 // half of a time's label
	rowHeight   = 13
	curveHeight = 46
	// maxCharts is how many attempts are drawn, the newest ones.
	maxCharts = 4
)

// timelineChart shows one attempt: its steps, and below them for each store every
// pod that was followed and how many were ready.
type timelineChart struct {
	Title         string
	Width, Height int
	Left, Right   int
	Ticks         []tick
	Steps         []bar
	Stores        []storeRow
}

type tick struct {
	X     float64
	Label string
}

// bar is a rectangle; Class says what it stands for.
type bar struct {
	X, Y, W, H     float64
	Class          string
	Label, Tooltip string
}

type storeRow struct {
	Name      string
	Y         float64
	Lanes     []timelineRow
	Outages   timelineRow
	Curve     []bar
	CurveY    float64
	CurveEnd  float64
	Most      int
	MoreLanes string
}

type timelineRow struct {
	Name string
	Y    float64
	Bars []bar
}

// timelineCharts are those of the newest attempt and of those before it in which pods
// came or went.
func timelineCharts(d *Document) []timelineChart {
	var list []timelineChart
	for i, a := range d.Attempts {
		from, to := a.Started, a.Ended
		if to.IsZero() && i == len(d.Attempts)-1 {
			to = d.Ended
		}
		if i+1 < len(d.Attempts) && (to.IsZero() || to.After(d.Attempts[i+1].Started)) {
			to = d.Attempts[i+1].Started // it was killed: nobody saw its end
		}
		if !to.After(from) {
			continue
		}
		p := drawChart(d, from, to)
		if newest := i == len(d.Attempts)-1; !p.hasPodChanges() && !newest || len(p.Stores)+len(p.Steps) == 0 {
			continue
		}
		p.Title = fmt.Sprintf("Attempt %d of %d, %s to %s UTC", i+1, len(d.Attempts), clockText(from), clockText(to))
		list = append(list, p)
	}
	return list[max(0, len(list)-maxCharts):]
}

// hasPodChanges reports whether any pod came or went.
func (p timelineChart) hasPodChanges() bool {
	return slices.ContainsFunc(p.Stores, func(r storeRow) bool {
		return len(r.Curve) > 1 || slices.ContainsFunc(r.Lanes, func(l timelineRow) bool { return len(l.Bars) > 1 })
	})
}

// timeScale maps a time to a place.
type timeScale struct{ from, to time.Time }

func (s timeScale) toX(t time.Time) float64 {
	if t.Before(s.from) {
		t = s.from
	}
	if t.After(s.to) {
		t = s.to
	}
	return chartLeft + chartWidth*float64(t.Sub(s.from))/float64(s.to.Sub(s.from))
}

func (s timeScale) contains(t time.Time) bool { return !t.Before(s.from) && !t.After(s.to) }

func drawChart(d *Document, from, to time.Time) timelineChart {
	s := timeScale{from, to}
	p := timelineChart{Width: chartLeft + chartWidth + chartRight, Left: chartLeft, Right: chartLeft + chartWidth, Ticks: s.axisTicks()}
	p.Steps = s.stepBars(allSteps(d))
	y := 44.0
	for _, a := range d.Availability {
		row := storeRow{Name: a.Store, Y: y, Most: a.Pods}
		y += 16
		y = row.addPodLanes(s, d.Pods, y)
		y = row.addOutages(s, a.Outages, y)
		row.addReadyCurve(s, a, y)
		if len(row.Curve)+len(row.Lanes) == 0 {
			y -= 16
			continue
		}
		y += curveHeight + 18
		p.Stores = append(p.Stores, row)
	}
	p.Height = int(y) + 4
	return p
}

// allSteps are those of this plan and of the earlier ones.
func allSteps(d *Document) []upgrade.StepOutcome {
	var list []upgrade.StepOutcome
	for _, e := range d.Earlier {
		for _, s := range e.Steps {
			list = append(list, upgrade.StepOutcome{ID: s.ID, Status: s.Status, Started: s.Started, Ended: s.Ended})
		}
	}
	for _, s := range d.Steps {
		list = append(list, s.StepOutcome)
	}
	return list
}

func (s timeScale) stepBars(steps []upgrade.StepOutcome) []bar {
	var list []bar
	for i, st := range steps {
		if st.Started.IsZero() || !s.contains(st.Started) {
			continue
		}
		end := st.Ended
		if end.IsZero() {
			end = s.to
		}
		b := bar{X: s.toX(st.Started), Y: 22, H: 12, Class: "step" + fmt.Sprint(i%2), Tooltip: st.ID + ": " + string(st.Status) + ", " + durationText(st.Started, st.Ended)}
		b.W = max(1, s.toX(end)-b.X)
		if st.Status == journal.StepFailed || st.Status == journal.StepInterrupted {
			b.Class = "bad"
		}
		if b.W > 7*float64(len(st.ID)) {
			b.Label = st.ID
		}
		list = append(list, b)
	}
	return list
}

// addPodLanes draws the observed pods and returns the next y coordinate.
func (r *storeRow) addPodLanes(s timeScale, pods []journal.PodTimeline, y float64) float64 {
	for _, p := range pods {
		if p.Store != r.Name {
			continue
		}
		l := timelineRow{Name: p.Pod, Y: y}
		first := ""
		for i, span := range p.Spans {
			end := s.to
			if i+1 < len(p.Spans) {
				end = p.Spans[i+1].Time
			}
			if first == "" {
				first = span.Revision
			}
			if !end.After(s.from) || !span.Time.Before(s.to) {
				continue
			}
			b := bar{X: s.toX(span.Time), Y: y + 1, H: 10, Class: classOf(span, first),
				Tooltip: fmt.Sprintf("%s %s from %s for %s", p.Pod, span.State, clockText(span.Time), durationText(span.Time, end))}
			b.W = max(0.5, s.toX(end)-b.X)
			if span.State != journal.PodReady {
				b.Y, b.H = y+4, 4
			}
			l.Bars = append(l.Bars, b)
		}
		if len(l.Bars) > 0 {
			r.Lanes = append(r.Lanes, l)
			y += rowHeight
		}
	}
	if n := len(r.Lanes); n > 0 && n < r.Most {
		r.MoreLanes = fmt.Sprintf("%d of %d pods are shown", n, r.Most)
	}
	return y
}

// addOutages draws when the store itself did not serve, in a lane of its own where
// there were any, and returns the next y coordinate.
func (r *storeRow) addOutages(s timeScale, list []journal.Outage, y float64) float64 {
	for _, o := range list {
		if !o.To.After(s.from) || !o.From.Before(s.to) {
			continue
		}
		b := bar{X: s.toX(o.From), Y: y + 1, H: 10, Class: "bad", Tooltip: fmt.Sprintf("unavailable from %s for %s", clockText(o.From), durationText(o.From, o.To))}
		b.W = max(1, s.toX(o.To)-b.X)
		r.Outages.Bars = append(r.Outages.Bars, b)
	}
	if len(r.Outages.Bars) == 0 {
		return y
	}
	r.Outages.Name, r.Outages.Y = "unavailable", y
	return y + rowHeight
}

func classOf(s journal.PodSpan, first string) string {
	switch {
	case s.State == journal.PodReady && s.Revision != first:
		return "fresh"
	case s.State == journal.PodReady:
		return "ready"
	case s.State == journal.PodNotReady:
		return "starting"
	case s.State == journal.PodEnding:
		return "ending"
	}
	return "gone"
}

// addReadyCurve draws the number of ready pods as columns.
func (r *storeRow) addReadyCurve(s timeScale, a journal.Availability, y float64) {
	r.CurveY, r.CurveEnd = y, y+curveHeight
	most := max(a.Pods, 1)
	for i, one := range a.Timeline {
		if !s.contains(one.Time) {
			continue // each attempt begins with a sample of its own
		}
		end := s.to
		if i+1 < len(a.Timeline) && a.Timeline[i+1].Time.Before(s.to) {
			end = a.Timeline[i+1].Time
		}
		most = max(most, one.Ready)
		b := bar{X: s.toX(one.Time), H: float64(one.Ready), Class: "ready", Tooltip: fmt.Sprintf("%d of %d ready from %s", one.Ready, a.Pods, clockText(one.Time))}
		if one.Ready < a.Pods {
			b.Class = "fewer"
		}
		b.W = max(0.5, s.toX(end)-b.X)
		r.Curve = append(r.Curve, b)
	}
	for i := range r.Curve {
		b := &r.Curve[i]
		b.H *= curveHeight / float64(most)
		b.Y = y + curveHeight - b.H
	}
	r.Most = most
}

// axisTicks are at most eight round times.
func (s timeScale) axisTicks() []tick {
	steps := []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute,
		2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour}
	all := s.to.Sub(s.from)
	i, _ := slices.BinarySearchFunc(steps, all/8, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	step := steps[min(i, len(steps)-1)]
	if all/step > 20 {
		step = all / 8
	}
	var list []tick
	for t := s.from.Truncate(step).Add(step); t.Before(s.to); t = t.Add(step) {
		list = append(list, tick{s.toX(t), t.UTC().Format("15:04:05")})
	}
	return list
}

func clockText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// durationText is a span of time as people read it, or a dash where it has no end.
func durationText(from, to time.Time) string {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return "-"
	}
	d := to.Sub(from)
	if d < time.Minute {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
