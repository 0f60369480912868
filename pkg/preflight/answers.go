package preflight

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkAnswers judges what the stores' own health endpoints said, where they
// could be asked.
func checkAnswers(_ context.Context, s *Subject) Result {
	if len(s.Facts.Answers) == 0 {
		if len(s.Facts.Stores) == 0 {
			return skip("no object stores")
		}
		return unseen("the object stores were not asked")
	}
	var f findings
	var silent, elsewhere []string
	served := 0
	for _, a := range s.Facts.Answers {
		switch a.State {
		case "ok":
			served++
			if a.At != "" {
				elsewhere = append(elsewhere, fmt.Sprintf("object store %s was asked at %s", a.Store, a.At))
			}
		case "unavailable":
			namespace, name, _ := strings.Cut(a.Store, "/")
			k := storeKey(plan.Store{Namespace: namespace, Name: name})
			answer := fmt.Sprint(a.Status)
			if a.Status == 0 {
				answer = orElse(a.Cause, "nothing")
			}
			question := "/minio/health/cluster"
			if a.At != "" {
				question = a.At
			}
			f.fail(k, "object store %s: answers %s: it has no write quorum, or no server of it is ready", a.Store, answer).
				wanted(answer, "200 from "+question, describe(k))
		default:
			silent = append(silent, fmt.Sprintf("object store %s could not be asked: %s", a.Store, orElse(firstOf(a.Cause), "no answer")))
		}
	}
	if len(silent) > 0 && len(f.list) == 0 {
		r := unseen("%s", silent[0])
		r.Details = silent
		return r
	}
	f.notes = append(silent, elsewhere...)
	verb := "answer"
	if served == 1 {
		verb += "s"
	}
	return f.result("%s %s with write quorum", words.Count(served, "object store"), verb)
}

// checkLog passes on the errors that the operator wrote since the upgrade.
func checkLog(_ context.Context, s *Subject) Result {
	since := "the last restart"
	if !s.Since.IsZero() {
		since = s.Since.UTC().Format(time.RFC3339)
	}
	missed := gapsOf(s.Facts, "logs")
	var f findings
	for _, e := range s.Facts.LogErrors {
		look := shell.Command("kubectl logs %s -n %s -c %s", e.Pod.Name, e.Pod.Namespace, e.Container)
		if !s.Since.IsZero() {
			look += " --since-time " + since
		}
		f.warn(e.Pod, "%s: container %s wrote %s, last %s: %s", label(e.Pod), e.Container, words.Times(e.Count), e.Last.UTC().Format(time.RFC3339), e.Message).
			wanted(words.Times(e.Count), "no errors of pulling or reconciling", look)
	}
	if len(f.list) > 0 {
		for _, g := range missed {
			f.note("%s", gapLine(g))
		}
		return f.result("")
	}
	if len(missed) > 0 {
		r := unseen("%s", gapLine(missed[0]))
		for _, g := range missed {
			r.Details = append(r.Details, gapLine(g))
		}
		return r
	}
	if s.Facts.LogsRead == 0 && s.Facts.Namespace != "" {
		return unseen("the operator is outside of namespace %s", s.Facts.Namespace)
	}
	if s.Facts.LogsRead == 0 {
		return unseen("no log of the operator was read")
	}
	return pass("the logs of %s tell of no errors since %s", words.Count(s.Facts.LogsRead, "operator container"), since)
}

// firstOf is the first line of a text.
func firstOf(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
