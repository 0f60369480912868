package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

func TestClusterThatCannotBeLookedAtIsAnError(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		writeStatusError(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
	}))
	t.Cleanup(refusing.Close)
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	for _, tt := range []struct {
		name   string
		url    string
		reason Reason
		hint   string
	}{
		{"unknown user", refusing.URL, Unauthorized, "kubectl auth whoami"},
		{"nobody there", "http://127.0.0.1:1", Unreachable, "kubectl cluster-info"},
		{"foreign certificate", untrusted.URL, Untrusted, "kubectl config view --minify"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for what, look := range map[string]func(*Client) error{
				"Facts": func(c *Client) error { _, err := c.Facts(t.Context(), Scope{}); return err },
				"Watch": func(c *Client) error { _, err := c.Watch(t.Context(), Scope{}); return err },
			} {
				err := look(clientOf(t, tt.url))
				var failed *ConnectError
				if !errors.As(err, &failed) || failed.Reason != tt.reason || !strings.HasPrefix(failed.Hint(), tt.hint) {
					t.Errorf("%s: received %v, expected %s", what, err, tt.reason)
				}
				if err != nil && strings.Contains(err.Error(), "t0ps3cret") {
					t.Errorf("%s: the error shows the token: %v", what, err)
				}
			}
		})
	}
}

func TestUserWhoseCredentialsExpireMeanwhile(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "nodes") {
			w.Header().Set("Content-Type", "application/json")
			writeStatusError(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
			return
		}
		a.ServeHTTP(w, r)
	})
	_, err := a.newClient().Facts(t.Context(), Scope{})
	var failed *ConnectError
	if !errors.As(err, &failed) || failed.Reason != Unauthorized {
		t.Errorf("received %v, expected %s", err, Unauthorized)
	}
}

func TestMissingContextIsNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Context = &file, new(string)
	*flags.Context = "prod"
	_, err := New(flags)
	var failed *ConnectError
	if !errors.As(err, &failed) || failed.Reason != NoContext || failed.Context != "prod" {
		t.Errorf("received %v, expected %s of prod", err, NoContext)
	}
	if failed != nil && !strings.HasPrefix(failed.Hint(), "kubectl config get-contexts") {
		t.Errorf("received hint %q", failed.Hint())
	}
}

func TestCancelledLookSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := newAPI(t)
	if _, err := a.newClient().Facts(ctx, Scope{}); !errors.Is(err, context.Canceled) {
		t.Errorf("received %v, expected %v", err, context.Canceled)
	}
}

func TestConnectErrorNamesTheKnownContextsInALineOfItsOwn(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("reading status: %w", &ConnectError{Reason: NoContext, Context: "a\nhint: b", Known: []string{"prod", "x\ny"}, Cause: errors.New("context does not exist")})
	want := []string{`reading status: connecting to cluster "a\nhint: b": no context: context does not exist`, `expected: one of "prod", "x\ny"`}
	if got := message.Lines(err); !slices.Equal(got, want) {
		t.Errorf("received: %q\nexpected: %q", got, want)
	}
}
