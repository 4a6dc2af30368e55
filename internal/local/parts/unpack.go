package parts

import (
	"fmt"
	"os"
	"path/filepath"
)

// Bootstrap is the program in a package of code.
const Bootstrap = "bootstrap"

// Unpack makes a folder below parent in which a program finds its package as it would in AWS: links to the files of
// source, of which Bootstrap is one, with the overlay in place of those of the same name.
func Unpack(parent, name, source string, overlay map[string][]byte) (string, error) {
	source, err := filepath.Abs(source)
	if err != nil {
		return "", fmt.Errorf("find the package of %s: %w", name, err)
	}
	if _, err := os.Stat(filepath.Join(source, Bootstrap)); err != nil {
		return "", fmt.Errorf("find the package of %s: %w", name, err)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make the place of %s: %w", name, err)
	}
	root, err := os.MkdirTemp(parent, name+"-")
	if err != nil {
		return "", fmt.Errorf("make the place of %s: %w", name, err)
	}
	files, err := os.ReadDir(source)
	if err != nil {
		return "", fmt.Errorf("read the package of %s: %w", name, err)
	}
	for _, file := range files {
		if _, replaced := overlay[file.Name()]; replaced {
			continue
		}
		if err := os.Symlink(filepath.Join(source, file.Name()), filepath.Join(root, file.Name())); err != nil {
			return "", fmt.Errorf("link the package of %s: %w", name, err)
		}
	}
	for file, content := range overlay {
		if err := os.WriteFile(filepath.Join(root, file), content, 0o644); err != nil {
			return "", fmt.Errorf("lay over the package of %s: %w", name, err)
		}
	}
	return root, nil
}
