// Package clitest has what tests of the command line share: a program whose
// streams are buffers, and a kubeconfig. Only tests import it.
package clitest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// Clock is the time of every [NewProgram].
var Clock = time.Date(2026, 9, 1, 22, 0, 0, 0, time.UTC)

// NewProgram is a program without environment and input; Out and ErrOut are
// of type [*bytes.Buffer].
func NewProgram(t *testing.T) *term.Program {
	t.Helper()
	return &term.Program{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}},
		Getenv:    func(string) string { return "" }, Now: func() time.Time { return Clock }, Version: "0.1.0",
	}
}

// WriteKubeconfig writes a kubeconfig for a server, with the contexts dc1 and dc2,
// and gives its name.
func WriteKubeconfig(t *testing.T, server string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: dc1
contexts: [{name: dc1, context: {cluster: c, user: u}}, {name: dc2, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {token: x}}]
`, server)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
