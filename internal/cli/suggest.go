package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// addSuggestions has every command below root name what was probably meant where a
// verb or a flag is mistyped.
func addSuggestions(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(flagError)
	if cmd.HasSubCommands() {
		cmd.SuggestionsMinimumDistance = 2
		cmd.Args = rejectUnknownVerb
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, c := range cmd.Commands() {
		addSuggestions(c)
	}
}

func rejectUnknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return term.WithHint(fmt.Errorf("unknown command for %q: %q", cmd.CommandPath(), args[0]),
		suggestionText(cmd, args[0]))
}

// flagError is what is said of a flag that cannot be read.
func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "bool" { // somebody may have given the password itself
		return term.WithHint(fmt.Errorf("reading flags: --%s takes true, false or no value", invalid.GetFlag().Name), cmd.CommandPath()+" --help lists them")
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return term.WithHint(fmt.Errorf("reading flags: %w", err), cmd.CommandPath()+" --help lists them")
	}
	// Cobra knows what is near for commands alone.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	name := unknown.GetSpecifiedName()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}, Hidden: f.Hidden})
	})
	near := flags.SuggestionsFor(name)
	if len(near) == 0 {
		return term.WithHint(fmt.Errorf("unknown flag: --%s", name), cmd.CommandPath()+" --help lists them")
	}
	return term.WithHint(fmt.Errorf("unknown flag: --%s", name), "did you mean --"+strings.Join(near, " or --")+" ?")
}

// suggestionText says which verbs are near, or where they are listed.
func suggestionText(cmd *cobra.Command, typed string) string {
	near, before := cmd.SuggestionsFor(typed), cmd.CommandPath()+" "
	if len(near) == 0 {
		return before + "--help lists them"
	}
	return "did you mean " + before + strings.Join(near, " or "+before) + " ?"
}
