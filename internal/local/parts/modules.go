package parts

import (
	"fmt"
	"os"
	"path/filepath"
)

// FindModules finds the node_modules folder with the parts, in the working directory or above it: for tests,
// whose working directory is their package's.
func FindModules() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "node_modules")
		if _, err := os.Stat(filepath.Join(path, "@dynoxide")); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find the local cloud's parts: node_modules/@dynoxide is missing: run make setup")
}
