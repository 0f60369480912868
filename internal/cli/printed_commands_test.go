package cli

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Commands that messages, hints and remedies print: up to what ends one in a
// sentence or in a shell.
var (
	printedCommand = regexp.MustCompile(`\b(helm aistor|kubectl aistor-upgrade)((?: [^\s;|()&>]+)*)`)
	flagWord       = regexp.MustCompile(`^(--[a-z][a-z0-9-]*|-[A-Za-z])(?:=.*)?$`)
)

// TestPrintedCommandsExist reads every string of the product, wherever a command
// of the plugins is composed: its verbs and flags must exist.
func TestPrintedCommandsExist(t *testing.T) {
	t.Parallel()
	found := 0
	for place, text := range productStrings(t) {
		for _, m := range printedCommand.FindAllStringSubmatch(text, -1) {
			found++
			if err := checkPrinted(m[1], strings.Fields(m[2])); err != nil {
				t.Errorf("%s: %q: %v", place, m[0], err)
			}
		}
	}
	if found < 100 {
		t.Errorf("found only %d commands in the source", found)
	}
}

// checkPrinted checks the words of one command. Words behind the flags may be
// the rest of a sentence.
func checkPrinted(program string, words []string) error {
	for i, w := range words {
		if words[i] = strings.TrimRight(w, ",.:"); strings.HasSuffix(w, ",") {
			words = words[:i+1] // a sentence goes on
			break
		}
	}
	// "use helm aistor to upgrade", cobra's own verb, and one that is composed.
	if len(words) == 0 || slices.Contains([]string{"to", "__complete", "X"}, words[0]) {
		return nil
	}
	cmd, _, err := rootCommands()[program](silentProgram()).Find(words)
	if err != nil {
		return err
	}
	if !cmd.HasParent() && !strings.HasPrefix(words[0], "-") {
		return fmt.Errorf("unknown command %q", words[0])
	}
	for _, w := range words {
		if m := flagWord.FindStringSubmatch(w); m != nil && !hasFlag(cmd, m[1]) {
			return fmt.Errorf("%s has no flag %s", cmd.CommandPath(), m[1])
		}
	}
	return nil
}

// hasFlag reports whether a command takes a flag, given as --long or -s.
func hasFlag(cmd *cobra.Command, name string) bool {
	cmd.InitDefaultHelpFlag()
	for _, set := range []*pflag.FlagSet{cmd.Flags(), cmd.InheritedFlags()} {
		if long, ok := strings.CutPrefix(name, "--"); ok && set.Lookup(long) != nil {
			return true
		} else if !ok && set.ShorthandLookup(name[1:]) != nil {
			return true
		}
	}
	return false
}

// productStrings are the strings of the product's source by their places. What
// is concatenated is one; what is no literal stands there as X.
func productStrings(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	set := token.NewFileSet()
	for _, root := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join(checkout, root), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				text, ok := literalText(e)
				if ok {
					found[set.Position(e.Pos()).String()] = text
				}
				return !ok
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// formatVerb is where a message has a value.
var formatVerb = regexp.MustCompile(`%[-+#0-9.\[\]]*[a-z]`)

// literalText is the text of a string literal or of a sum with one.
func literalText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return formatVerb.ReplaceAllString(text, "X"), err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, leftOK := literalText(e.X)
		right, rightOK := literalText(e.Y)
		if !leftOK {
			left = "X"
		}
		if !rightOK {
			right = "X"
		}
		return left + right, leftOK || rightOK
	}
	return "", false
}
