package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"headroom/internal/operator"
)

// filledIn stands in a hint for what is known only when it is given: it is a tenant, a level of the stop switch and a name.
const filledIn = "order"

// quotedWords are words that a shell takes for one.
var quotedWords = regexp.MustCompile(`'[^']*'|"[^"]*"`)

// meant says why a command line would be refused as it stands, before anything is asked; what is filled in need not be what
// it is to be.
func meant(line string) error {
	args := strings.Fields(strings.ReplaceAll(quotedWords.ReplaceAllString(line, "…"), "ami-…", "ami-0a1b2c3d4e5f60718"))
	cmd, rest, err := newRoot().Find(args[1:])
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil && !errors.As(err, new(*operator.Failure)) {
		return err
	}
	if cmd.PreRunE == nil {
		return errors.New("it is no verb")
	}
	if err := cmd.PreRunE(cmd, cmd.Flags().Args()); err != nil && !errors.As(err, new(*operator.Failure)) {
		return err
	}
	return nil
}

// hint is what a hint in a program's text comes to, with filledIn for what is not known there.
func hint(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return hint(e.X) + hint(e.Y)
		}
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return regexp.MustCompile(`%[sdvq]`).ReplaceAllString(hint(e.Args[0]), filledIn)
		}
	}
	return filledIn
}

// hints are the command lines in a program's text that somebody is to go on with. A sentence about a command is none.
func hints(file *ast.File) (lines []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		var line string
		switch e := e.(type) {
		case *ast.CompositeLit: // one that is made of parts: the host stands between them
			if len(e.Elts) != 2 || !strings.HasSuffix(hint(e.Elts[0]), " ") {
				return true
			}
			line = hint(e.Elts[0]) + filledIn + hint(e.Elts[1])
		default:
			line = hint(e)
		}
		if !strings.HasPrefix(line, "headroom ") {
			return true
		}
		if strings.HasSuffix(line, " ") {
			line += filledIn
		}
		if !strings.HasSuffix(line, ".") {
			lines = append(lines, line)
		}
		return false
	})
	return lines
}

// Who copies a hint is not told that a flag is missing.
func TestHintsAreCommandsAsTheyStand(t *testing.T) {
	n := 0
	for _, dir := range []string{".", "../../operator", "../../announce", "../../pool/inventory"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range hints(file) {
				n++
				if err := meant(line); err != nil {
					t.Errorf("%s: %s: %v", name, line, err)
				}
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d hints were found", n)
	}
	for line, want := range map[string]string{
		"headroom dlq drop signup --id m-1":       "--reason is missing",
		"headroom dlq redrive signup":             "--reason is missing",
		"headroom pool policy set policy.json":    "--reason is missing",
		"headroom host replace share-standard-1":  "--image",
		"headroom departure again order database": "--reason is missing",
		"headroom host shew share-standard-1":     "unknown command",
		"headroom host show":                      "which host?",
		"headroom pool":                           "it is no verb",
		"headroom doctor --thorough":              "unknown flag",
	} {
		if err := meant(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
