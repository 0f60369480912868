package preflight

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkHealthEndpoints evaluates the responses of the stores' health endpoints, where they
// could be asked.
func checkHealthEndpoints(_ context.Context, s *Subject) Result {
	if len(s.Facts.HealthAnswers) == 0 {
		if len(s.Facts.Stores) == 0 {
			return skipResult("no object stores")
		}
		return unobservedResult("health endpoints were not queried")
	}
	var f findings
	var silent, elsewhere []string
	served := 0
	for _, a := range s.Facts.HealthAnswers {
		switch a.State {
		case "ok":
			served++
			if a.Address != "" {
				elsewhere = append(elsewhere, fmt.Sprintf("object store %s was queried at %s", a.Store, a.Address))
			}
		case "unavailable":
			namespace, name, _ := strings.Cut(a.Store, "/")
			k := storeKey(plan.Store{Namespace: namespace, Name: name})
			answer := fmt.Sprint(a.Status)
			if a.Status == 0 {
				answer = cmp.Or(strings.TrimSpace(a.Cause), "nothing")
			}
			question := "/minio/health/cluster"
			if a.Address != "" {
				question = a.Address
			}
			f.addFailure(k, "object store %s: returned %s: no write quorum, or no server is ready", a.Store, answer).
				setDetails(answer, "200 from "+question, describeCommand(k))
		default:
			silent = append(silent, fmt.Sprintf("object store %s could not be queried: %s", a.Store, cmp.Or(strings.TrimSpace(firstTextLine(a.Cause)), "no answer")))
		}
	}
	if len(silent) > 0 && len(f.list) == 0 {
		r := unobservedResult("%s", silent[0])
		r.Details = silent
		return r
	}
	f.notes = append(silent, elsewhere...)
	verb := "answer"
	if served == 1 {
		verb += "s"
	}
	return f.buildResult("%s %s with write quorum", plural.Count(served, "object store"), verb)
}

// checkOperatorLog passes on the errors that the operator wrote since the upgrade.
func checkOperatorLog(_ context.Context, s *Subject) Result {
	since := "the last restart"
	if !s.Since.IsZero() {
		since = s.Since.UTC().Format(time.RFC3339)
	}
	missed := gapsOf(s.Facts, "logs")
	var f findings
	for _, e := range s.Facts.LogErrors {
		look := shellquote.Command("kubectl logs %s -n %s -c %s", e.Pod.Name, e.Pod.Namespace, e.Container)
		if !s.Since.IsZero() {
			look += " --since-time " + since
		}
		f.addWarning(e.Pod, "%s: container %s wrote %s, last %s: %s", e.Pod.Label(), e.Container, plural.CountTimes(e.Count), e.Last.UTC().Format(time.RFC3339), e.Message).
			setDetails(plural.CountTimes(e.Count), "no pull or reconcile errors", look)
	}
	if len(f.list) > 0 {
		for _, g := range missed {
			f.addNote("%s", gapMessage(g))
		}
		return f.buildResult("")
	}
	if len(missed) > 0 {
		r := unobservedResult("%s", gapMessage(missed[0]))
		for _, g := range missed {
			r.Details = append(r.Details, gapMessage(g))
		}
		return r
	}
	if s.Facts.LogsRead == 0 && s.Facts.Namespace != "" {
		return unobservedResult("the operator is outside namespace %s", s.Facts.Namespace)
	}
	if s.Facts.LogsRead == 0 {
		return unobservedResult("no log of the operator was read")
	}
	return passResult("no errors in the logs of %s since %s", plural.Count(s.Facts.LogsRead, "operator container"), since)
}

// firstTextLine is the first line of a text.
func firstTextLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
