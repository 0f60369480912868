package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// maxLogLines and logBytes bound the log of one container.
	maxLogLines = 2_000
	maxLogBytes = 1 << 20
	// maxLogPods bounds the pods whose logs are kept.
	maxLogPods = 5
)

// keepEvidence writes the logs of failing pods and the warnings beside the
// backup, before a retry or a rollback makes them disappear. It never fails a
// step: what cannot be had is said in the file.
func (e *Executor) keepEvidence(ctx context.Context, s plan.Step, cause error) {
	if e.opts.BackupDir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	f := e.watch.Snapshot()
	dir := filepath.Join(e.backupDir(), fmt.Sprintf("failure-%s-%d", s.ID, e.journal.Step(s.ID).Attempt))
	err := writePrivate(filepath.Join(dir, "cause.txt"), []byte(e.secrets.Text(cause.Error()+"\n")))
	if err == nil {
		err = writePrivate(filepath.Join(dir, "warnings.txt"), []byte(e.secrets.Text(warningLines(f))))
	}
	for _, p := range failingPods(f, cause) {
		for _, c := range p.Containers {
			name := filepath.Join(dir, p.Namespace+"_"+p.Name+"_"+c.Name+".log")
			if err == nil && !c.Ready {
				err = writePrivate(name, []byte(e.secrets.Text(e.containerLog(ctx, p, c))))
			}
		}
	}
	if err != nil {
		e.emitMessage(s.ID, EventProgress, "saving logs and events: "+err.Error())
		return
	}
	e.evidence = dir
}

// failingPods are the pods a cause is about, else those that are not ready.
func failingPods(f *plan.Facts, cause error) []plan.Pod {
	var pods []plan.Pod
	if stuck, ok := errors.AsType[*unrecoverableError](cause); ok {
		for _, t := range stuck.failures {
			if t.Pod != nil && len(pods) < maxLogPods {
				pods = append(pods, *t.Pod)
			}
		}
		return pods
	}
	for _, p := range f.Pods {
		if !p.Ready && len(pods) < maxLogPods {
			pods = append(pods, p)
		}
	}
	return pods
}

// containerLog is the newest log of a container; of one that crashed it is the log of
// the run before, which holds the reason.
func (e *Executor) containerLog(ctx context.Context, p plan.Pod, c plan.Container) string {
	o := &core.PodLogOptions{Container: c.Name, Previous: c.Restarts > 0, TailLines: new(int64(maxLogLines)), LimitBytes: new(int64(maxLogBytes))}
	r, err := e.deps.Client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, o).Stream(ctx)
	if err != nil {
		return "no log: " + err.Error() + "\n"
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxLogBytes))
	if err != nil {
		b = append(b, []byte("\nlog cut off: "+err.Error()+"\n")...)
	}
	return string(b)
}

func warningLines(f *plan.Facts) string {
	var b strings.Builder
	for _, ev := range f.WarningEvents {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%d times\t%s\n", ev.Last.UTC().Format(time.RFC3339), ev.Object, ev.Reason, ev.Count, ev.Message)
	}
	return b.String()
}
