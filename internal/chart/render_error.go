package chart

import (
	"regexp"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// RenderError is a chart's refusal to render with some values. Its text is the
// chart's own message, not the template engine's wrapping.
type RenderError struct {
	// Chart is name-version.
	Chart string
	// Template is where it happened, "chart/templates/file.yaml:LINE:COLUMN".
	Template string
	// Message is what the chart, or the engine, says.
	Message string
	// Path is the setting at fault, dotted, where it could be found out.
	Path string
	// Missing says that the values lack that setting.
	Missing bool
	// Expected says what that setting should be, where known.
	Expected string
	// Several are the refusals of each setting where more than one is at fault:
	// without all of them the chart renders, with any of them it does not.
	Several []*RenderError
	// Unsearched says that the search for the setting at fault ended for want of
	// time.
	Unsearched bool
	// Err is the engine's error.
	Err error
}

// Error is the message with the chart and, where known, the setting.
func (e *RenderError) Error() string {
	var b strings.Builder
	if len(e.Several) > 0 {
		b.WriteString(message.Sprintf("rendering chart %q: it rejects %d settings", e.Chart, len(e.Several)))
		for _, one := range e.Several {
			b.WriteString(message.Sprintf("\n  %s: %s", one.Path, one.Message))
			if one.Expected != "" {
				b.WriteString(message.Sprintf("\n    expected: %s", one.Expected))
			}
		}
		return b.String()
	}
	b.WriteString(message.Sprintf("rendering chart %q: %s", e.Chart, e.Message))
	if e.Path != "" {
		received := e.Path + " as it is in the values"
		if e.Missing {
			received = "values without " + e.Path
		}
		b.WriteString("\nreceived: " + message.Line(received))
	}
	if e.Expected != "" {
		b.WriteString(message.Sprintf("\nexpected: %s", e.Expected))
	}
	if e.Unsearched {
		b.WriteString(message.Sprintf("\nnote: the setting at fault could not be determined within %s", searchFor))
	}
	return b.String()
}

// Lines implements [message.Liner].
func (e *RenderError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Unwrap gives the engine's error.
func (e *RenderError) Unwrap() error { return e.Err }

var (
	executionError    = regexp.MustCompile(`(?s)execution error at \(([^)]+)\): (.*)$`)
	templatePosition  = regexp.MustCompile(`template: ([^:\s]+:\d+:\d+)`)
	lastCause         = regexp.MustCompile(`(?s)(?:.*)<[^>]*>: (?:error calling [\w.]+: )?(.*)$`)
	missingImage      = regexp.MustCompile(`Image '([^']+)' not found|Image definition for '([^']+)'|image '([^']+)'$`)
	missingRepository = regexp.MustCompile(`Unknown repository '([^']+)'`)
	namedPath         = regexp.MustCompile(`(?:^|\s)\.?((?:secrets|objectStore|operators|global|images|repositories)(?:\.[\w-]+)+)`)
)

// renderError turns the engine's error into the chart's, and finds the setting
// at fault: from the message, else by leaving out one setting after another
// until the chart renders.
func (c *Chart) renderError(err error, opts RenderOptions) *RenderError {
	e := &RenderError{Chart: c.ID(), Err: err, Message: err.Error()}
	if m := executionError.FindStringSubmatch(e.Message); m != nil {
		e.Template, e.Message = m[1], strings.TrimSpace(m[2])
	} else {
		if m := templatePosition.FindStringSubmatch(e.Message); m != nil {
			e.Template = m[1]
		}
		if m := lastCause.FindStringSubmatch(e.Message); m != nil {
			e.Message = strings.TrimSpace(m[1])
		}
	}
	e.Path = pathInMessage(e.Message)
	e.Missing = !hasPath(opts.Values, strings.Split(e.Path, "."))
	if opts.Quick {
		return e
	}
	end := time.Now().Add(searchFor)
	blamed := c.findFaultySetting(opts, end)
	if blamed == "" {
		e.Several = c.findFaultySettings(opts, end)
	}
	if blamed == "" && len(e.Several) == 0 {
		blamed = c.blameEach(opts, end)
	}
	e.Unsearched = blamed == "" && e.Path == "" && len(e.Several) == 0 && time.Now().After(end)
	if blamed != "" && (e.Path == "" || !strings.HasPrefix(blamed, e.Path)) {
		e.Path, e.Missing = blamed, false
	}
	e.Expected = expectedFor(e)
	return e
}

func pathInMessage(message string) string {
	if m := missingRepository.FindStringSubmatch(message); m != nil {
		return "repositories." + m[1]
	}
	if m := missingImage.FindStringSubmatch(message); m != nil {
		return "images." + m[1] + m[2] + m[3]
	}
	if m := namedPath.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

// searchFor bounds the search for the setting at fault, which renders again and
// again and is a help only.
const searchFor = 3 * time.Second

// findFaultySetting is the first setting without which the chart renders, or "". It halves
// the settings that may be it, which leads nowhere where the chart needs some of
// them.
func (c *Chart) findFaultySetting(opts RenderOptions, end time.Time) string {
	left := leafPaths(opts.Values, nil)
	for len(left) > 1 {
		half := left[:len(left)/2]
		if !c.rendersWithout(opts, half, end) {
			half = left[len(left)/2:]
		}
		left = half
	}
	if len(left) == 1 && c.rendersWithout(opts, left, end) {
		return strings.Join(left[0], ".")
	}
	return ""
}

// blameEach is blame for charts that need some of the settings: a short list is
// tried one after another.
func (c *Chart) blameEach(opts RenderOptions, end time.Time) string {
	const most = 200
	all := leafPaths(opts.Values, nil)
	if len(all) > most {
		return ""
	}
	for i, p := range all {
		if c.rendersWithout(opts, all[i:i+1], end) {
			return strings.Join(p, ".")
		}
	}
	return ""
}

func (c *Chart) rendersWithout(opts RenderOptions, paths [][]string, end time.Time) bool {
	values := copyMap(opts.Values)
	for _, p := range paths {
		removePath(values, p)
	}
	opts.Values = values
	return time.Now().Before(end) && c.canRender(opts)
}

// canRender reports whether the chart renders, without explaining why not.
func (c *Chart) canRender(opts RenderOptions) bool {
	_, err := c.tryRender(opts)
	return err == nil
}

func expectedFor(e *RenderError) string {
	m := e.Message
	switch {
	case strings.HasPrefix(m, "Both repository and tag"):
		return "repository with the full name, and tag (or repository: NAME@sha256 with digest: HEX)"
	case strings.HasPrefix(m, "Configuration secret mismatch"):
		return "secrets.name equal to objectStore.configuration.name, or empty"
	case strings.Contains(m, "default credentials"):
		return "secrets.accessKey and secrets.secretKey set, or secrets.existingSecret: true with secrets.name"
	case strings.Contains(m, "well-known weak pair"):
		return "other credentials than the well-known pair"
	case strings.HasPrefix(m, "Unknown repository"):
		return "the repository defined under repositories, or images to name a known one such as aistor"
	case strings.Contains(m, "enabled in type bool"):
		return "a map, such as {enabled: true}"
	case strings.Contains(e.Path, "webhook") && strings.Contains(m, "incompatible types"):
		return "true or false; the map form came with chart 5.4.0"
	case strings.Contains(m, "repository in type string"), strings.Contains(m, "repository in type interface"):
		return "a map of repository and image or tag; this version does not take a string"
	default:
		return ""
	}
}
