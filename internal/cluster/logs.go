package cluster

import (
	"bufio"
	"context"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// logLines is how many of the newest lines of one container are read.
	logLines = 20_000
	// logPatience is how long one container's log may take.
	logPatience = 20 * time.Second
	// distinctErrors is how many different errors of one container are kept.
	distinctErrors = 20
)

// OperatorLogs reads what the operator's pods in f wrote since then and keeps
// the lines that tell of errors, without secrets and each once. Lines are read
// as they stream in, so that a long log costs no memory. A log that can't be
// read is a Gap; read counts those that could.
func (c *Client) OperatorLogs(ctx context.Context, f *plan.Facts, since time.Time) (read int, errors []plan.LogError, gaps []plan.Gap) {
	l := &look{}
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
	g := parallel()
	for _, s := range sources {
		g.Go(func() error {
			found, err := c.log(ctx, s.pod, s.container, since)
			if err != nil {
				l.miss("operator logs of "+s.pod.Namespace+"/"+s.pod.Name, err)
			}
			s.found, s.ok = found, err == nil
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
	return read, errors, l.sorted()
}

func (c *Client) log(ctx context.Context, p plan.Pod, container string, since time.Time) ([]plan.LogError, error) {
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	lines := int64(logLines)
	options := &corev1.PodLogOptions{Container: container, Timestamps: true, TailLines: &lines}
	if !since.IsZero() {
		from := metav1.NewTime(since)
		options.SinceTime = &from
	}
	stream, err := c.typed.CoreV1().Pods(p.Namespace).GetLogs(p.Name, options).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	object := plan.ObjectKey{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
	return logErrors(stream, object, container)
}

// logErrors reads a log with timestamps before its lines.
func logErrors(r io.Reader, of plan.ObjectKey, container string) ([]plan.LogError, error) {
	var out []plan.LogError
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
			return nil, err
		}
		stamp, line, _ := strings.Cut(text, " ")
		when, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			line = text
		}
		message, ok := errorIn(line)
		if !ok {
			continue
		}
		key := shapeOf(message)
		if i, known := at[key]; known {
			out[i].Count++
			out[i].Last = when.UTC()
		} else if len(out) < distinctErrors {
			at[key] = len(out)
			out = append(out, plan.LogError{Pod: of, Container: container, Message: plan.RedactText(message), Count: 1, Last: when.UTC()})
		}
	}
}
