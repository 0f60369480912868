package verb

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Whoever watches does so through a restart of the API server, and is told.
func TestAWatchGoesOnWhereTheClusterComesBack(t *testing.T) {
	t.Parallel()
	lost := &cluster.ConnectError{Reason: cluster.Unreachable, Context: "lab", Cause: errors.New("connection refused")}
	denied := &cluster.ConnectError{Reason: cluster.Unauthorized, Context: "lab", Cause: errors.New("the token has expired")}
	for name, c := range map[string]struct {
		looks     []error // nil is one that found something; the last one ends the watch
		wantErr   string
		wantSaid  []string
		wantLooks int
	}{
		"lost in the middle":              {looks: []error{nil, lost, lost, nil, nil}, wantLooks: 5, wantSaid: []string{`waiting: connecting to cluster "lab": unreachable`, "connected, watching"}},
		"lost from the beginning":         {looks: []error{lost, nil}, wantLooks: 1, wantErr: "unreachable"},
		"known no more":                   {looks: []error{nil, denied, nil}, wantLooks: 2, wantErr: "unauthorized"},
		"a namespace that is still empty": {looks: []error{&option.NothingError{Namespace: "team-a"}, nil, nil}, wantLooks: 3, wantSaid: []string{`waiting: namespace "team-a"`, "connected, watching"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, o, looks := clitest.NewProgram(t), &followOptions{Watch: true, RecheckEvery: time.Millisecond}, 0
			err := o.followChanges(t.Context(), p, unreachableClient(t), cluster.Scope{}, func(context.Context) (*plan.Facts, bool, error) {
				looks++
				if err := c.looks[looks-1]; err != nil {
					return nil, false, err
				}
				return &plan.Facts{}, looks == len(c.looks), nil
			})
			if looks != c.wantLooks {
				t.Errorf("looked %d times, wanted %d", looks, c.wantLooks)
			}
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("the error is %v, wanted %q", err, c.wantErr)
			}
			said := p.ErrOut.(*bytes.Buffer).String()
			for _, want := range c.wantSaid {
				if strings.Count(said, want) != 1 {
					t.Errorf("said %q, wanted once %q", said, want)
				}
			}
		})
	}
}

func TestAWatchOfAClusterThatStaysAwayEndsInTime(t *testing.T) {
	t.Parallel()
	o, looks := &followOptions{Watch: true, Timeout: 2 * time.Second}, 0
	err := o.followChanges(t.Context(), clitest.NewProgram(t), unreachableClient(t), cluster.Scope{}, func(context.Context) (*plan.Facts, bool, error) {
		if looks++; looks == 1 {
			return &plan.Facts{}, false, nil
		}
		return nil, false, &cluster.ConnectError{Reason: cluster.Unreachable, Cause: errors.New("refused")}
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}

func TestAWatchThatIsInterruptedSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	err := (&followOptions{Watch: true}).followChanges(ctx, clitest.NewProgram(t), unreachableClient(t), cluster.Scope{}, func(context.Context) (*plan.Facts, bool, error) {
		cancel()
		return nil, false, context.Canceled
	})
	if code := term.ExitCode(ctx, err); code != term.ExitInterrupted || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("exit %d with %v", code, err)
	}
}

// unreachableClient is a client of a cluster that never answers.
func unreachableClient(t *testing.T) *cluster.Client {
	t.Helper()
	file := t.TempDir() + "/kubeconfig"
	if err := os.WriteFile(file, []byte(`{clusters: [{name: lab, cluster: {server: "http://127.0.0.1:1"}}],
contexts: [{name: lab, context: {cluster: lab}}], current-context: lab}`), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &file
	c, err := cluster.New(flags)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
