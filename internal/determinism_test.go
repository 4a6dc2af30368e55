package internal_test

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

// determined are the rooms that a simulation can drive: what they do follows from what they are given, so
// that the same seed gives the same run. Clock, randomness, waiting and fan-out come from outside; who
// injects the real ones is function, and the adapter that configures AWS's clients.
var determined = []string{"pool", "lifecycle", "ledger", "shelf", "access", "announce", "hostalarm", "stocktake", "telemetry", "handler", "adapter", "archive"}

// injectors may use the real clock, randomness and waiting: the rest gets them from there.
var injectors = []string{"adapter/awsclient"}

// refusedCalls are functions of packages that wait, or answer differently each time.
var refusedCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
	"slog": {"Default", "Info", "InfoContext", "Warn", "WarnContext", "Error", "ErrorContext", "Debug", "DebugContext"},
}

// refusedImports draw by themselves.
var refusedImports = []string{"math/rand", "math/rand/v2", "crypto/rand"}

func TestNothingWaitsDrawsOrStartsGoroutinesByItself(t *testing.T) {
	for _, room := range determined {
		err := filepath.WalkDir(room, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && (strings.HasSuffix(path, "test") || slices.Contains(injectors, filepath.ToSlash(path))) {
				return fs.SkipDir // fakes and suites
			}
			if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			positions := token.NewFileSet()
			file, err := parser.ParseFile(positions, path, nil, 0)
			if err != nil {
				return err
			}
			for _, spec := range file.Imports {
				if slices.Contains(refusedImports, strings.Trim(spec.Path.Value, `"`)) {
					t.Errorf("%s imports %s", path, spec.Path.Value)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s starts a goroutine", positions.Position(n.Pos()))
				case *ast.SelectorExpr:
					name, ok := n.X.(*ast.Ident)
					if ok && name.Obj == nil && slices.Contains(refusedCalls[name.Name], n.Sel.Name) {
						t.Errorf("%s uses %s.%s", positions.Position(n.Pos()), name.Name, n.Sel.Name)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatalf("read room %s: %v", room, err)
		}
	}
}
