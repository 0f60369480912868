package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// rootCommands are both roots by what people type for them.
func rootCommands() map[string]func(*term.Program) *cobra.Command {
	return map[string]func(*term.Program) *cobra.Command{
		"helm aistor": NewHelm, "helm-aistor": NewHelm,
		"kubectl aistor-upgrade": NewKubectl, "kubectl-aistor_upgrade": NewKubectl,
	}
}

// silentProgram is a program that reads and says nothing.
func silentProgram() *term.Program {
	return &term.Program{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard},
		Getenv:    func(string) string { return "" }, Now: time.Now, Version: "1.2.3",
	}
}

// allVerbs calls f for every command of both plugins that people see.
func allVerbs(f func(cmd *cobra.Command)) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		f(cmd)
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				walk(c)
			}
		}
	}
	walk(NewHelm(silentProgram()))
	walk(NewKubectl(silentProgram()))
}

// readLine reads a line that somebody would type as the plugin does, up to but
// not including running the verb. A line for other programs is nothing to it.
func readLine(text string) error {
	parser := shellwords.NewParser()
	words, err := parser.Parse(text)
	if err != nil {
		return err
	}
	for name, root := range rootCommands() {
		prefix := strings.Fields(name)
		if len(words) < len(prefix) || strings.Join(words[:len(prefix)], " ") != name {
			continue
		}
		return readWords(root(silentProgram()), words[len(prefix):])
	}
	return nil
}

func readWords(root *cobra.Command, words []string) error {
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return cmd.FlagErrorFunc()(cmd, err)
	}
	if help, err := cmd.Flags().GetBool("help"); err == nil && help {
		return nil
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	return cmd.ValidateFlagGroups()
}

// commandLines are the commands of a text: comments are left out, and what a
// backslash breaks is joined.
func commandLines(text string) []string {
	var list []string
	for _, l := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			list = append(list, l)
		}
	}
	return list
}

func TestEveryVerbHasExamplesThatItUnderstands(t *testing.T) {
	t.Parallel()
	allVerbs(func(cmd *cobra.Command) {
		own := 0
		for _, l := range commandLines(cmd.Example) {
			if strings.HasPrefix(l, cmd.CommandPath()+" ") || l == cmd.CommandPath() {
				own++
			}
			if err := readLine(withoutComment(l)); err != nil {
				t.Errorf("%s: its example %q: %v", cmd.CommandPath(), l, err)
			}
		}
		if own == 0 {
			t.Errorf("%s: no example shows it", cmd.CommandPath())
		}
	})
}

// withoutComment cuts what explains a line at its end.
func withoutComment(l string) string {
	before, _, _ := strings.Cut(l, " # ")
	return before
}

func TestHelpBeginsWithExamples(t *testing.T) {
	t.Parallel()
	allVerbs(func(cmd *cobra.Command) {
		var out strings.Builder
		p := silentProgram()
		p.Out = &out
		root := NewHelm
		if cmd.Root().Name() != "aistor" {
			root = NewKubectl
		}
		path := strings.Fields(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().DisplayName()))
		if code := p.Run(t.Context(), root(p), append(path, "--help")); code != term.ExitOK {
			t.Errorf("%s --help: exit %d", cmd.CommandPath(), code)
		}
		first, _, _ := strings.Cut(out.String(), "\n")
		if first != "Examples:" {
			t.Errorf("the help of %s begins with %q", cmd.CommandPath(), first)
		}
	})
}

func TestMistypedVerbsAndFlagsNameTheNearOne(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"psh":                        `error: unknown command for "helm aistor": "psh"` + "\nhint: did you mean helm aistor push ?\n",
		"bundle verfy x":             `error: unknown command for "helm aistor bundle": "verfy"` + "\nhint: did you mean helm aistor bundle verify ?\n",
		"frobnicate":                 `error: unknown command for "helm aistor": "frobnicate"` + "\nhint: helm aistor --help lists them\n",
		"push f --registry-usr x":    "error: unknown flag: --registry-usr\nhint: did you mean --registry-user ?\n",
		"push f --frobnicate":        "error: unknown flag: --frobnicate\nhint: helm aistor push --help lists them\n",
		"push f -Q":                  "error: reading flags: unknown shorthand flag: 'Q' in -Q\nhint: helm aistor push --help lists them\n",
		"push f --concurrency=many":  "error: reading flags: invalid argument \"many\" for \"--concurrency\" flag: strconv.ParseInt: parsing \"many\": invalid syntax\nhint: helm aistor push --help lists them\n",
		"upgrade --accept-downtme x": "error: unknown flag: --accept-downtme\nhint: did you mean --accept-downtime ?\n",
	} {
		var said strings.Builder
		p := silentProgram()
		p.ErrOut = &said
		code := p.Run(t.Context(), NewHelm(p), strings.Fields(line))
		if code != term.ExitError || said.String() != want {
			t.Errorf("%q: exit %d:\n%s\nwant:\n%s", line, code, said.String(), want)
		}
	}
}

// What reads a line must itself notice what is wrong with one.
func TestReadLineRefuses(t *testing.T) {
	t.Parallel()
	for _, l := range []string{
		"helm aistor psh", "helm aistor push f --no-such-flag", "helm aistor bundle verify",
		"kubectl aistor-upgrade status --bundl x", "helm-aistor bundle create a b", `helm aistor push "f`,
	} {
		if readLine(l) == nil {
			t.Errorf("%q is understood", l)
		}
	}
	for _, l := range []string{"helm list", "kubectl get pods --bundl", "helm aistor push f < password"} {
		if err := readLine(l); err != nil {
			t.Error(fmt.Errorf("%q: %w", l, err))
		}
	}
}
