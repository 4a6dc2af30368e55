package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// assetHash is the hash of an asset: other code, same infrastructure.
var assetHash = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// TestTemplatesAreAsAccepted compares the templates with testdata. To accept others, look at the
// difference, then run go test ./infra -update.
func TestTemplatesAreAsAccepted(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for name, template := range a.templates() {
			got := append(assetHash.ReplaceAll(bytes.TrimSpace(template.text), []byte("HASH")), '\n')
			file := filepath.Join("testdata", a.stage.Name, name+".template.json")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s is not as accepted (-accepted +synthesized):\n%s", name, diff)
			}
		}
	})
}
