package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestLogsTellOfErrorsOfPullingAndReconciling(t *testing.T) {
	t.Parallel()
	pod := plan.ObjectKey{Kind: "Pod", Namespace: "aistor", Name: "object-store-operator-1"}
	log := strings.Join([]string{
		`2026-09-01T12:00:00.5Z I0901 12:00:00.500000       1 main.go:12] failed is no error here`,
		`2026-09-01T12:00:01Z E0901 12:00:01.000000       1 controller.go:42] failed to reconcile team-a/primary: retry 1`,
		`2026-09-01T12:00:02Z E0901 12:00:02.000000       1 controller.go:42] failed to reconcile team-a/primary: retry 2`,
		`2026-09-01T12:00:03Z {"level":"error","ts":1,"msg":"Reconciler error","error":"pulling image: 401 Unauthorized"}`,
		`2026-09-01T12:00:04Z {"level":"info","msg":"failed once, is well now"}`,
		`2026-09-01T12:00:05Z {"level":"error","msg":"Reconciler error","error":"Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version"}`,
		`2026-09-01T12:00:06Z time=2026 level=error msg="cannot sync" accessKey=AKIAPLANTED secretKey=planted-secret`,
		`2026-09-01T12:00:07Z ` + strings.Repeat("x", 200_000),
		`2026-09-01T12:00:08Z ERROR unable to fetch manifest`,
	}, "\n")
	got, err := parseLogErrors(strings.NewReader(log), pod, "controller")
	if err != nil {
		t.Fatal(err)
	}
	type seen struct {
		Message string
		Count   int
		Last    string
	}
	var have []seen
	for _, e := range got.errors {
		have = append(have, seen{e.Message, e.Count, e.Last.Format(time.TimeOnly)})
	}
	want := []seen{
		{"failed to reconcile team-a/primary: retry 1", 2, "12:00:02"},
		{"Reconciler error: pulling image: 401 Unauthorized", 1, "12:00:03"},
		{have[min(2, len(have)-1)].Message, 1, "12:00:06"},
		{"ERROR unable to fetch manifest", 1, "12:00:08"},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if strings.Contains(have[2].Message, "planted-secret") || !strings.Contains(have[2].Message, "cannot sync") {
		t.Errorf("received %q", have[2].Message)
	}
}

// Of a log that is longer than what is read, nobody knows how it began.
func TestALogIsKnownToBeCut(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	line := "2026-09-01T12:00:01Z all is well\n"
	for name, c := range map[string]struct {
		lines int
		since time.Time
		want  bool
	}{
		"longer, and asked for what was before": {maxLogLines, begun, true},
		"longer, and asked for everything":      {maxLogLines, time.Time{}, true},
		"longer, and asked for what was after":  {maxLogLines, begun.Add(time.Minute), false},
		"not as long":                           {maxLogLines - 1, begun, false},
		"empty":                                 {0, begun, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseLogErrors(strings.NewReader(strings.Repeat(line, c.lines)), plan.ObjectKey{}, "controller")
			if err != nil || got.isTruncated(c.since) != c.want {
				t.Errorf("cut is %t (%v), wanted %t", got.isTruncated(c.since), err, c.want)
			}
		})
	}
}
