package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"headroom/events"
)

// pages are those that people copy commands from.
var pages = []string{"operations.md", "runbooks.md"}

// block is a fenced block of a shell's commands.
type block struct {
	page, section, text string
	line                int
}

func blocks(t *testing.T) (all []block) {
	t.Helper()
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		section, at, inside := "", block{}, false
		for n, line := range strings.Split(string(text), "\n") {
			switch {
			case !inside && strings.HasPrefix(line, "## "):
				section = line
			case !inside && line == "```sh":
				inside, at = true, block{page: page, section: section, line: n + 2}
			case inside && line == "```":
				inside = false
				all = append(all, at)
			case inside:
				at.text += line + "\n"
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("there are %d blocks", len(all))
	}
	return all
}

var (
	used     = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z_0-9]*)`)
	assigned = regexp.MustCompile(`(?:^|[;&|(]|\s)(?:(?:export|for|until|read)\s+)?([A-Za-z_][A-Za-z_0-9]*)(?:=|\s+in\s)`)
	quoted   = regexp.MustCompile(`'[^']*'`)
)

// unassigned are the variables that a block uses, and that neither it nor one before it, with what is known then, gives a value.
func unassigned(text string, known map[string]bool) (names []string) {
	for line := range strings.SplitSeq(text, "\n") {
		bare := quoted.ReplaceAllStringFunc(line, func(s string) string {
			if strings.Count(line[:strings.Index(line, s)], `"`)%2 == 1 {
				return s // within double quotes a shell reads on
			}
			return ""
		})
		for _, name := range assigned.FindAllStringSubmatch(bare, -1) {
			known[name[1]] = true
		}
		for _, name := range used.FindAllStringSubmatch(bare, -1) {
			if !known[name[1]] {
				names = append(names, name[1])
			}
		}
	}
	return names
}

func TestShellBlocksParse(t *testing.T) {
	for _, b := range blocks(t) {
		sh := exec.CommandContext(t.Context(), "sh", "-n")
		sh.Stdin = strings.NewReader(b.text)
		if out, err := sh.CombinedOutput(); err != nil {
			t.Errorf("%s:%d: %v: %s", b.page, b.line, err, out)
		}
	}
}

// Who copies the blocks of a section one after the other has every variable that they use.
func TestShellBlocksUseWhatTheyAssign(t *testing.T) {
	known, section := map[string]bool{}, ""
	for _, b := range blocks(t) {
		if at := b.page + b.section; at != section {
			section, known = at, map[string]bool{"HOME": true}
		}
		for _, name := range unassigned(b.text, known) {
			t.Errorf("%s:%d: $%s is assigned nowhere before in its section", b.page, b.line, name)
		}
	}
	for text, want := range map[string]string{
		"a=1\necho $a":                             "[]",
		"echo \"$b\"":                              "[b]",
		"for id in $(list); do echo $id; done":     "[]",
		"until c=$(x); do sleep 1; done; echo $c":  "[]",
		"aws x --name then   # says its ARN: $arn": "[arn]",
		"echo '$d'":                                "[]",
		"aws --query \"[?A=='$e']\"":               "[e]",
	} {
		if got := fmt.Sprint(unassigned(text, map[string]bool{})); got != want {
			t.Errorf("%q leaves %s unassigned, want %s", text, got, want)
		}
	}
}

// Messages that people send by hand are read by those who take them.
func TestMessagesInShellBlocksAreRead(t *testing.T) {
	body := regexp.MustCompile(`--message-body '([^']*)'`)
	// What stands for what is to be filled in.
	filled := strings.NewReplacer(`"HOST"`, `"share-standard-3"`, `"DEPARTURE"`, `"acme.k3v9x2m7qa"`)
	n := 0
	for _, b := range blocks(t) {
		for _, found := range body.FindAllStringSubmatch(b.text, -1) {
			n++
			if err := valid(filled.Replace(found[1])); err != nil {
				t.Errorf("%s:%d: %s: %v", b.page, b.line, found[1], err)
			}
		}
	}
	if n == 0 {
		t.Error("there are none")
	}
}

// valid holds a message against the schema of its type, and to its fields.
func valid(message string) error {
	kind := events.TypeOf([]byte(message))
	text, err := events.Schema(kind)
	if err != nil {
		return err
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(kind, schema); err != nil {
		return err
	}
	compiled, err := c.Compile(kind)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(message))
	if err != nil {
		return err
	}
	fields := schema.(map[string]any)["properties"].(map[string]any)
	for name := range value.(map[string]any) {
		if _, known := fields[name]; !known {
			return fmt.Errorf("%s has no field %s", kind, name)
		}
	}
	return compiled.Validate(value)
}
