// Package internal_test holds the house to its rules: which room may import what.
package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is a folder under internal, and what its packages may import of Headroom besides themselves
// and what lies below them. A package belongs to the room with the longest folder that holds it.
type room struct {
	folder  string
	may     []string // folders, or with a trailing "." one package without what lies below it
	fakes   []string // what its fakes may import as well: packages whose names end in "test"
	refuses []string // prefixes of packages that are not Headroom's
	tests   bool     // whether test files keep the rule too; elsewhere they may import any fake
}

// sdk is what speaks to AWS; its shapes end in an adapter.
var sdk = []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}

// cdk is what only infra may import, and what is built with it.
var cdk = []string{
	"github.com/aws/aws-cdk-go", "github.com/aws/constructs-go", "github.com/aws/jsii-runtime-go",
	"github.com/cdklabs/", "headroom/infra",
}

// rooms are the rules; docs/architecture.md says why.
var rooms = []room{
	{folder: "pool", may: []string{"events"}, refuses: sdk},
	{folder: "archive", refuses: sdk},
	{folder: "lifecycle", may: []string{"internal/pool"}, refuses: sdk},
	{folder: "ledger", may: []string{"internal/pool"}},
	{folder: "shelf", may: []string{"internal/pool", "internal/ledger."}, refuses: sdk},
	{folder: "copytask", may: []string{"internal/pool"}, refuses: sdk},
	{folder: "master", may: []string{"internal/pool"}, refuses: sdk},
	{folder: "bays", may: []string{"internal/pool"}, refuses: sdk},
	{folder: "access", may: []string{"internal/pool"}, refuses: sdk},
	{folder: "announce", may: []string{"internal/pool", "internal/ledger.", "internal/telemetry", "events"}, refuses: sdk},
	{folder: "stocktake", may: []string{"internal/pool"}, refuses: sdk},
	{folder: "hostalarm", may: []string{"internal/pool", "internal/ledger.", "internal/telemetry", "events"}, refuses: sdk},
	{folder: "telemetry", may: []string{"events"}, refuses: sdk},
	{folder: "killtest", may: []string{"internal/pool", "internal/ledger", "events"}},
	{folder: "handler", refuses: sdk, may: []string{
		"internal/pool", "internal/lifecycle", "internal/ledger.", "internal/shelf", "internal/access", "internal/bays", "internal/copytask", "internal/master", "internal/announce", "internal/hostalarm", "internal/stocktake", "internal/telemetry", "internal/archive",
		"events",
	}},
	{
		folder: "adapter", may: []string{"internal/adapter/awsclient", "internal/pool", "internal/telemetry", "events"},
		// The fakes refuse in AWS's words, as the local cloud does, which may import nothing of theirs.
		fakes: []string{"internal/local/constraint."},
	},
	{folder: "function", may: []string{
		"internal/pool", "internal/lifecycle", "internal/ledger", "internal/shelf", "internal/access", "internal/announce", "internal/hostalarm", "internal/stocktake", "internal/telemetry",
		"internal/handler", "internal/adapter", "events",
	}},
	{folder: "local", tests: true, may: []string{"internal/local"}},
	{folder: "demo", may: []string{"internal/local", "internal/pool", "internal/adapter/awsclient", "events"}},
	{folder: "demo/page", may: []string{"docs", "internal/demo", "internal/local", "internal/pool", "internal/ledger", "internal/adapter/awsclient", "events"}},
	// Who words a plan reads the policies as who makes it.
	{folder: "operator", may: []string{"internal/pool", "internal/ledger", "internal/stocktake", "internal/adapter/awsclient", "internal/adapter/images", "internal/adapter/instances", "internal/adapter/inventory", "internal/adapter/objects", "internal/adapter/policy", "events"}},
	{folder: "sim", refuses: sdk, may: []string{
		"internal/pool", "internal/lifecycle", "internal/ledger", "internal/shelf", "internal/access", "internal/announce", "internal/hostalarm", "internal/telemetry",
		"internal/handler", "events",
	}},
	{folder: "sim/faults", may: []string{"internal", "events"}}, // a whole stage with its fakes
	{folder: "cmd", may: []string{"internal/demo", "internal/local", "internal/operator", "internal/pool", "internal/sim", "events"}},
	{folder: "endtoend", may: []string{"internal", "events"}},
}

// exceptions are imports that break a rule today, "<package> <imported>" under internal. A line that
// nothing needs any more fails the test too.
var exceptions = []string{}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	excepted := map[string]bool{}
	for _, line := range exceptions {
		excepted[line] = false
	}
	for file, imports := range importsUnder(t, ".") {
		folder := path.Dir(file)
		if folder == "." {
			continue
		}
		r, ok := roomOf(folder)
		if !ok {
			t.Errorf("%s lies in no room", file)
			continue
		}
		for _, imported := range imports {
			if allowed(r, folder, imported, strings.HasSuffix(file, "_test.go")) {
				continue
			}
			line := folder + " " + strings.TrimPrefix(imported, "headroom/internal/")
			if _, known := excepted[line]; known {
				excepted[line] = true
				continue
			}
			t.Errorf("%s imports %s, which its room may not", file, imported)
		}
	}
	for line, needed := range excepted {
		if !needed {
			t.Errorf("nothing needs the exception %q any more", line)
		}
	}
}

// roomOf finds the room that a folder belongs to.
func roomOf(folder string) (room, bool) {
	var found room
	for _, r := range rooms {
		if (folder == r.folder || strings.HasPrefix(folder, r.folder+"/")) && len(r.folder) > len(found.folder) {
			found = r
		}
	}
	return found, found.folder != ""
}

func allowed(r room, folder, imported string, test bool) bool {
	if test && !r.tests {
		return true
	}
	own, headroom := strings.CutPrefix(imported, "headroom/")
	if !headroom {
		return !slices.ContainsFunc(r.refuses, func(p string) bool { return strings.HasPrefix(imported, p) })
	}
	// What belongs together: handlers and adapters are a package each, other rooms are one.
	home := "internal/" + r.folder
	if r.folder == "handler" || r.folder == "adapter" {
		home = "internal/" + strings.Join(strings.SplitN(folder, "/", 3)[:2], "/")
	}
	if own == home || strings.HasPrefix(own, home+"/") {
		return true
	}
	may := r.may
	if strings.HasSuffix(folder, "test") {
		may = slices.Concat(may, r.fakes)
	}
	return slices.ContainsFunc(may, func(may string) bool {
		if one, exact := strings.CutSuffix(may, "."); exact {
			return own == one
		}
		return own == may || strings.HasPrefix(own, may+"/")
	})
}

func TestOnlyInfraImportsCDK(t *testing.T) {
	for _, dir := range []string{".", "../functions", "../events"} {
		for file, imports := range importsUnder(t, dir) {
			for _, imported := range imports {
				if slices.ContainsFunc(cdk, func(p string) bool { return strings.HasPrefix(imported, p) }) {
					t.Errorf("%s/%s imports %s", dir, file, imported)
				}
			}
		}
	}
}

// importsUnder lists what each Go file below a folder imports, by the file's path in it.
func importsUnder(t *testing.T, dir string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		imports := map[string]bool{}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports[imported] = true
		}
		found[filepath.ToSlash(name)] = slices.Sorted(maps.Keys(imports))
		return nil
	})
	if err != nil {
		t.Fatalf("read the imports below %s: %v", dir, err)
	}
	if len(found) == 0 {
		t.Fatalf("there are no Go files below %s", dir)
	}
	return found
}
