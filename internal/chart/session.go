package chart

import (
	"cmp"
	"errors"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// Session renders one chart again and again and parses its templates once,
// which is most of the time that a render takes. It gives what the chart's own
// methods give. It is safe for concurrent use.
//
// Helm's engine parses in every call. A session therefore makes a single call
// last: beside the chart's templates lies one more, rendered first, that runs
// the others for each set of values it is handed, until the session ends.
type Session struct {
	chart *Chart
	// drivenChart is the chart with that template, names are the chart's own in the
	// order in which Helm renders them.
	drivenChart *chart.Chart
	names       []string
	jobs        chan *job
	group       sync.WaitGroup
}

// job is one render.
type job struct {
	values chartutil.Values
	files  map[string]string
	// base, where it is not nil, ends the job at the first file that differs.
	base map[string]string
	// done is closed when it ended; failed and differs then say how.
	done            chan struct{}
	failed, differs bool
}

// driver is named so that it is rendered before all others.
const (
	driver     = "templates/~/~/~/~/~/~/~/~"
	driverText = `{{ range .Values.session.Steps . }}{{ .Keep (include .Name .Context) }}{{ end }}{{ .Values.session.End }}`
)

// Session starts one that renders at most parallel sets of values at a time.
// Close ends it.
func (c *Chart) Session(parallel int) *Session {
	s := &Session{chart: c, names: templateNames(c.stripped.chart), jobs: make(chan *job)}
	driven := *c.stripped.chart
	driven.Templates = append(slices.Clone(driven.Templates), &chart.File{Name: driver, Data: []byte(driverText)})
	s.drivenChart = &driven
	for range max(parallel, 1) {
		s.group.Go(s.runWorker)
	}
	return s
}

// Close waits for what is being rendered. Afterwards the session is not to be
// used any more.
func (s *Session) Close() {
	close(s.jobs)
	s.group.Wait()
}

// Render is [Chart.Render].
func (s *Session) Render(opts RenderOptions) (*Rendered, error) {
	return s.chart.renderObjects(opts, s.tryRender)
}

// RenderFiles are the rendered texts by the names of their templates, without the
// notes and without parsing them, for [Session.RendersSame]. Long stretches that no
// value changes are left out of them.
func (s *Session) RenderFiles(opts RenderOptions) (map[string]string, error) {
	files, err := s.chart.renderFiles(opts, s.tryRender)
	maps.DeleteFunc(files, func(name, _ string) bool { return isNotes(name) })
	return files, err
}

// RendersSame reports whether the chart renders with opts, and to exactly these files.
// It stops at the first that differs, which makes it several times faster than
// rendering where something does.
func (s *Session) RendersSame(opts RenderOptions, files map[string]string) bool {
	if !s.usesDriver() {
		got, err := s.RenderFiles(opts)
		return err == nil && maps.Equal(got, files)
	}
	_, full, err := s.chart.prepareValues(opts)
	if err != nil {
		return false
	}
	j := s.runJob(full, files)
	return !j.failed && !j.differs
}

// usesDriver reports whether the driving template can stand for the chart: Helm
// renders none of a library, and a subchart's templates have values of their own.
func (s *Session) usesDriver() bool { return !s.chart.HasDependencies() && len(s.names) > 0 }

// runJob waits for one job; base is nil where all of it is wanted.
func (s *Session) runJob(full chartutil.Values, base map[string]string) *job {
	j := &job{values: full, files: map[string]string{}, base: base, done: make(chan struct{})}
	s.jobs <- j
	<-j.done
	return j
}

// tryRender leaves failures to the engine itself: its error names the template
// and not the one that drives it.
func (s *Session) tryRender(opts RenderOptions) (map[string]string, error) {
	if !s.usesDriver() {
		return s.chart.tryRender(opts)
	}
	_, full, err := s.chart.prepareValues(opts)
	if err != nil {
		return nil, err
	}
	if j := s.runJob(full, nil); !j.failed {
		return j.files, nil
	}
	return s.chart.tryRender(opts)
}

// runWorker renders what comes. A job that fails ends the engine's call, and the
// next one begins another.
func (s *Session) runWorker() {
	for j := range s.jobs {
		w := &worker{session: s, job: j}
		_, _ = engine.Render(s.drivenChart, chartutil.Values{"Values": chartutil.Values{"session": w}})
		if w.job != nil {
			w.job.failed = true
			close(w.job.done)
		}
	}
}

// worker is what the driving template talks to.
type worker struct {
	session *Session
	// job is the one at work, nil when the session has ended.
	job *job
}

// Steps are the templates of one job after the other; root is what the engine
// gives to every template.
func (w *worker) Steps(root chartutil.Values) iter.Seq[*step] {
	return func(yield func(*step) bool) {
		for w.job != nil {
			in := maps.Clone(root)
			for _, k := range []string{"Values", "Release", "Capabilities"} {
				in[k] = w.job.values[k]
			}
			for _, name := range w.session.names {
				in["Template"] = chartutil.Values{"Name": name, "BasePath": path.Join(w.session.chart.Name, "templates")}
				if !yield(&step{name, in, w.job.files}) {
					return
				}
				if w.job.base != nil && !isNotes(name) && w.job.files[name] != w.job.base[name] {
					w.job.differs = true
					break
				}
			}
			close(w.job.done)
			w.job = <-w.session.jobs
		}
	}
}

// End keeps the engine from rendering the other templates once more.
func (w *worker) End() (string, error) { return "", errors.New("the session has ended") }

// step is one template of one job.
type step struct {
	Name    string
	Context chartutil.Values
	files   map[string]string
}

// Keep takes what the template gave, without what the engine takes out, too.
func (s *step) Keep(text string) string {
	s.files[s.Name] = strings.ReplaceAll(text, "<no value>", "")
	return ""
}

func isNotes(name string) bool { return path.Base(name) == "NOTES.txt" }

// templateNames are the templates that Helm renders, in its order: the deepest
// first, for some charts change values on the way.
func templateNames(c *chart.Chart) []string {
	var out []string
	library := strings.EqualFold(c.Metadata.Type, "library")
	for _, f := range c.Templates {
		if f != nil && !library && !strings.HasPrefix(path.Base(f.Name), "_") {
			out = append(out, path.Join(c.Name(), f.Name))
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(strings.Count(b, "/")-strings.Count(a, "/"), strings.Compare(b, a))
	})
	return out
}
