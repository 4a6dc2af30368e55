package local_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// goStandIn is a go command that downloads two modules, has sixty packages to compile, and links what it is asked for.
const goStandIn = `#!/bin/sh
case $1 in
list)
	echo 'go: downloading example.com/a v1.0.0' >&2
	echo 'go: downloading example.com/b v1.0.0' >&2
	seq 60
	;;
build)
	echo example.com/a >&2
	echo example.com/b >&2
	if [ -e broken ]; then
		echo '# headroom/functions/one' >&2
		echo 'functions/one/main.go:3:1: syntax error' >&2
		exit 1
	fi
	for program in one two headroom; do echo $program >dist/programs/$program; done
	;;
esac
`

func TestTheBuildSaysHowFarItIsAndPassesErrorsOn(t *testing.T) {
	script, err := filepath.Abs("build")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		broken bool
		says   string
	}{
		"well":   {false, "Compiling 60 packages: the first time, that takes some minutes.\n"},
		"broken": {true, "Compiling 60 packages: the first time, that takes some minutes.\n# headroom/functions/one\nfunctions/one/main.go:3:1: syntax error\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := map[string]string{
				"bin/go": goStandIn, "go.mod": "module headroom\n", "dist/rds-ca.pem": "authority",
				"functions/one/main.go": "", "functions/two/main.go": "",
			}
			if test.broken {
				files["broken"] = ""
			}
			for path, text := range files {
				path = filepath.Join(dir, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
			said, err := cmd.CombinedOutput()
			if (err != nil) != test.broken {
				t.Errorf("it ended with %v", err)
			}
			var lines strings.Builder // but for those of a machine that is slow today
			for line := range strings.Lines(string(said)) {
				if !strings.HasPrefix(line, "compiling packages: ") && !strings.HasPrefix(line, "downloading modules: ") {
					lines.WriteString(line)
				}
			}
			if lines.String() != test.says || strings.Contains(string(said), "\r") {
				t.Errorf("it says %q", said)
			}
			for path, want := range map[string]string{
				"dist/native/one/bootstrap": "one\n", "dist/native/two/bootstrap": "two\n",
				"dist/headroom": "headroom\n",
			} {
				got, err := os.ReadFile(filepath.Join(dir, path))
				if !test.broken && string(got) != want {
					t.Errorf("%s is %q: %v", path, strings.TrimSpace(string(got)), err)
				}
			}
		})
	}
}
