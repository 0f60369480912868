package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An error whose text holds a line break is one that text from outside can
// forge: see internal/message.
func TestErrorsOfSeveralLinesAreMadeByMessage(t *testing.T) {
	t.Parallel()
	eachCall(t, "../..", func(at token.Position, function string, call *ast.CallExpr) {
		if function != "fmt.Errorf" && function != "errors.New" {
			return
		}
		if text, ok := call.Args[0].(*ast.BasicLit); ok && strings.Contains(text.Value, `\n`) {
			t.Errorf("%s: %s with a line break: use message.Errorf", at, function)
		}
	})
}

// What people read is written with line and its like, which escape their
// arguments.
func TestVerbsPrintThroughFunctionsThatEscape(t *testing.T) {
	t.Parallel()
	frames := map[string]bool{"output.go": true, "program.go": true, "wait_table.go": true, "follow.go": true,
		"progress.go": true, "transcript.go": true, "version.go": true, "print.go": true}
	eachCall(t, "../cli", func(at token.Position, function string, call *ast.CallExpr) {
		if !strings.HasPrefix(function, "fmt.Fprint") || frames[filepath.Base(at.Filename)] {
			return
		}
		if u, ok := call.Args[0].(*ast.UnaryExpr); ok && u.Op == token.AND { // into a buffer
			return
		}
		for _, a := range call.Args[1:] {
			if !isEscaped(a) {
				t.Errorf("%s: %s writes what may hold line breaks: use line or message.Block", at, function)
			}
		}
	})
}

// Files are written whole, and through no link: see internal/safefile.
func TestFilesAreWrittenBySafefile(t *testing.T) {
	t.Parallel()
	writes := []string{"os.Create", "os.CreateTemp", "os.WriteFile", "os.OpenFile", "os.Rename", "os.Link", "os.Symlink", "os.Truncate", "ioutil.WriteFile"}
	eachCall(t, "../..", func(at token.Position, function string, _ *ast.CallExpr) {
		if slices.Contains(writes, function) && !strings.Contains(filepath.ToSlash(at.Filename), "internal/safefile/") {
			t.Errorf("%s: %s: use internal/safefile", at, function)
		}
	})
}

// isEscaped reports whether an argument is a constant or went through message.
func isEscaped(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.CallExpr:
		return strings.HasPrefix(nameOf(e), "message.")
	}
	return false
}

// eachCall calls look for each call of a package's function in product code
// below dir.
func eachCall(t *testing.T, dir string, look func(at token.Position, function string, call *ast.CallExpr)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "test" || d.Name() == "tools" || d.Name() == "dist" || d.Name() == ".git" || strings.HasSuffix(d.Name(), "test")):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && nameOf(call) != "" && len(call.Args) > 0 {
				look(files.Position(call.Pos()), nameOf(call), call)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// nameOf is PACKAGE.FUNCTION of a call, or empty.
func nameOf(call *ast.CallExpr) string {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return ""
}
