package cluster

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// maxLogLines is how many of the newest lines of one container are read.
	maxLogLines = 20_000
	// logTimeout is how long one container's log may take.
	logTimeout = 20 * time.Second
	// maxDistinctErrors is how many different errors of one container are kept.
	maxDistinctErrors = 20
)

// OperatorLogs reads what the operator's pods in f wrote since then and keeps
// the lines that tell of errors, without secrets and each once. Lines are read
// as they stream in, so that a long log costs no memory. A log that cannot be
// read is a Gap; read counts those that could.
func (c *Client) OperatorLogs(ctx context.Context, f *plan.Facts, since time.Time) (read int, errors []plan.LogError, gaps []plan.Gap) {
	l := &requestTracker{}
	type source struct {
		pod       plan.Pod
		container string
		found     []plan.LogError
		ok        bool
	}
	var sources []*source
	for _, p := range f.Pods {
		if p.Store != "" {
			continue
		}
		for _, container := range p.Containers {
			sources = append(sources, &source{pod: p, container: container.Name})
		}
	}
	g := newRequestGroup()
	for _, s := range sources {
		g.Go(func() error {
			found, err := c.readLog(ctx, s.pod, s.container, since)
			what := "operator logs of " + s.pod.Namespace + "/" + s.pod.Name
			switch {
			case err != nil:
				l.addGap(what, err)
			case found.isTruncated(since):
				l.addGap(what+" before "+found.first.UTC().Format(time.RFC3339), fmt.Errorf("only the newest %d lines of a container are read", maxLogLines))
			}
			s.found, s.ok = found.errors, err == nil
			return nil
		})
	}
	_ = g.Wait()
	for _, s := range sources {
		errors = append(errors, s.found...)
		if s.ok {
			read++
		}
	}
	return read, errors, l.sortedGaps()
}

func (c *Client) readLog(ctx context.Context, p plan.Pod, container string, since time.Time) (logSummary, error) {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	lines := int64(maxLogLines)
	options := &corev1.PodLogOptions{Container: container, Timestamps: true, TailLines: &lines}
	if !since.IsZero() {
		from := metav1.NewTime(since)
		options.SinceTime = &from
	}
	stream, err := c.typed.CoreV1().Pods(p.Namespace).GetLogs(p.Name, options).Stream(ctx)
	if err != nil {
		return logSummary{}, err
	}
	defer stream.Close()
	object := plan.ObjectKey{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
	return parseLogErrors(stream, object, container)
}

// logSummary is what was read of a log.
type logSummary struct {
	errors []plan.LogError
	lines  int
	first  time.Time // when the first line was written; zero where none says so
}

// isTruncated reports whether older lines were written since then that were not read.
func (s logSummary) isTruncated(since time.Time) bool {
	return s.lines >= maxLogLines && s.first.After(since)
}

// parseLogErrors reads a log with timestamps before its lines.
func parseLogErrors(r io.Reader, of plan.ObjectKey, container string) (logSummary, error) {
	var out logSummary
	at := map[string]int{}
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		// Of a line longer than the buffer the beginning is enough.
		raw, more, err := lines.ReadLine()
		text := string(raw) // the buffer is the next line's
		for rest := more; rest && err == nil; {
			_, rest, err = lines.ReadLine()
		}
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return logSummary{}, err
		}
		out.lines++
		stamp, line, _ := strings.Cut(text, " ")
		when, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			line = text
		} else if out.first.IsZero() {
			out.first = when
		}
		message, ok := parseErrorLine(line)
		if !ok {
			continue
		}
		key := maskNumbers(message)
		if i, known := at[key]; known {
			out.errors[i].Count++
			out.errors[i].Last = when.UTC()
		} else if len(out.errors) < maxDistinctErrors {
			at[key] = len(out.errors)
			out.errors = append(out.errors, plan.LogError{Pod: of, Container: container, Message: redact.Text(message), Count: 1, Last: when.UTC()})
		}
	}
}
