package events

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed schema/*.json sample/*.json
var contract embed.FS

// Names lists the types of the contract in alphabetical order, each with a
// schema and a sample of the same name.
func Names() []string {
	// The embedded file system cannot fail, and it lists in file name order.
	entries, _ := contract.ReadDir("schema")
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".json"))
	}
	return names
}

// Schema returns the JSON Schema (draft 2020-12) of the type called name.
func Schema(name string) ([]byte, error) {
	return read("schema", name)
}

// Sample returns a sample of the type called name. Samples of AWS's own
// events are whole EventBridge envelopes.
func Sample(name string) ([]byte, error) {
	return read("sample", name)
}

func read(folder, name string) ([]byte, error) {
	content, err := contract.ReadFile(path.Join(folder, name+".json"))
	if err != nil {
		return nil, fmt.Errorf("read the %s of %q: %w", folder, name, err)
	}
	return content, nil
}
