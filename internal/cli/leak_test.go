package cli_test

import (
	"os"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli"
	"github.com/aistor-upgrade/aistor-upgrade/internal/leaktest"
)

// pluginVariable makes the test's own binary one of the plugins: what signals
// and terminals do takes a process.
const pluginVariable = "AISTOR_TEST_PLUGIN"

// No test leaves a goroutine behind.
func TestMain(m *testing.M) {
	switch os.Getenv(pluginVariable) {
	case "helm":
		os.Exit(cli.Main("0.0.0-test", cli.NewHelm))
	case "kubectl":
		os.Exit(cli.Main("0.0.0-test", cli.NewKubectl))
	}
	leaktest.Main(m)
}
