package main

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestOnlyInfraImportsCDK keeps the CDK, and what is built with it, out of what runs in the cloud.
func TestOnlyInfraImportsCDK(t *testing.T) {
	refused := []string{
		"github.com/aws/aws-cdk-go", "github.com/aws/constructs-go", "github.com/aws/jsii-runtime-go",
		"github.com/cdklabs/", "headroom/infra",
	}
	for _, dir := range []string{"functions", "internal", "events"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range file.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				for _, prefix := range refused {
					if strings.HasPrefix(imported, prefix) {
						t.Errorf("%s imports %s", path, imported)
					}
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read %s: %v", dir, err)
		}
	}
}
