package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestTheDemosDefaultsAreWhatItsHelpSays(t *testing.T) {
	want := map[string]string{
		"exit":     "false",
		"chapters": "false",
		"signups":  "12",
		"tier":     "standard",
		"listen":   "127.0.0.1:0",
		"page":     "",
		"dir":      "",
		"assembly": "cdk.out",
		"programs": "dist/native",
		"speed":    "20",
		"database": "1s",
		"boot":     "1s",
		"untidy":   "false",
		"seed":     "1",
		"verbose":  "false",
	}
	got := map[string]string{}
	help := helpOfFlags(t)
	newDemo().Flags().VisitAll(func(flag *pflag.Flag) {
		value := flag.Value.String()
		got[flag.Name] = value
		_, said, _ := strings.Cut(help[flag.Name], "(default ")
		said = strings.Trim(said, `")`)
		if unsaid := value == "" || value == "false"; said != value && (said != "" || !unsaid) {
			t.Errorf("--%s is %q unless it is given, and its help is %q", flag.Name, value, help[flag.Name])
		}
		delete(help, flag.Name)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	delete(help, "help")
	if len(help) > 0 {
		t.Errorf("help says also %v", help)
	}
}

// helpOfFlags is what `headroom demo --help` says of each flag.
func helpOfFlags(t *testing.T) map[string]string {
	t.Helper()
	_, stdout, _ := execute(newRoot(), "demo", "--help")
	_, stdout, _ = strings.Cut(stdout, "Flags:")
	help := map[string]string{}
	var name string
	for word := range strings.FieldsSeq(stdout) {
		switch {
		case strings.HasPrefix(word, "--"):
			name = word[len("--"):]
		case strings.HasPrefix(word, "-"): // the short name of the next
		default:
			help[name] = strings.TrimSpace(help[name] + " " + word)
		}
	}
	return help
}

func TestTheDemosFoldersBecomeAbsolute(t *testing.T) {
	c := demoCommand{Signups: 1, Speed: 1, Listen: "127.0.0.1:0", Assembly: "testdata/assembly", Programs: "testdata/programs"}
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{c.Assembly, c.Programs} {
		if !filepath.IsAbs(folder) {
			t.Errorf("%s is not absolute", folder)
		}
	}
}

func TestAClockThatIsNotTheMachinesIsToldOf(t *testing.T) {
	if said := ofSpeed(1); said != "" {
		t.Errorf("of the machine's own clock it says %q", said)
	}
	for speed, want := range map[float64]string{20: " 20 times ", 1.5: " 1.5 times "} {
		if said := ofSpeed(speed); !strings.Contains(said, want) {
			t.Errorf("at %v it says %q", speed, said)
		}
	}
}

func TestChaptersAreShownOnDemandAndBeforeAnExit(t *testing.T) {
	for _, test := range []struct {
		exit, chapters, said bool
		want                 bool
	}{
		{},
		{exit: true, want: true},
		{chapters: true, said: true, want: true},
		{exit: true, said: true},
		{exit: true, chapters: true, said: true, want: true},
	} {
		c := demoCommand{Exit: test.exit, Chapters: test.chapters}
		if c.settle(test.said); c.Chapters != test.want {
			t.Errorf("%+v: they are shown: %v", test, c.Chapters)
		}
	}
}
