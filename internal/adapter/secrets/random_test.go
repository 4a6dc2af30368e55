package secrets

import (
	"bytes"
	"crypto/rand"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestNamesAreOpaqueAndFitEverywhere(t *testing.T) {
	pattern, seen := regexp.MustCompile(`^[a-z][a-z0-9]{11}$`), map[string]bool{}
	for range 1000 {
		name, err := Name(rand.Reader)
		if err != nil || !pattern.MatchString(name) || seen[name] {
			t.Fatalf("got %q, %v", name, err)
		}
		seen[name] = true
	}
}

func TestPasswordsAreLongAndPlain(t *testing.T) {
	made, err := password(rand.Reader)
	if err != nil || !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).MatchString(made) {
		t.Errorf("a password has %d characters, or others than letters and digits: %v", len(made), err)
	}
}

func TestEveryCharacterIsAsLikely(t *testing.T) {
	// Every byte value once: each character comes up equally often, and the rest are drawn again.
	alphabet := letters + digits
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	want := 256 / len(alphabet)
	drawn, err := text(bytes.NewReader(all), alphabet, want*len(alphabet))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range alphabet {
		if got := strings.Count(drawn, string(c)); got != want {
			t.Errorf("%c came up %d times, want %d", c, got, want)
		}
	}
}

func TestTooLittleRandomnessIsAnError(t *testing.T) {
	for _, source := range []io.Reader{strings.NewReader(""), strings.NewReader("few")} {
		if name, err := Name(source); err == nil {
			t.Errorf("made %q", name)
		}
	}
	if _, err := password(strings.NewReader("few")); err == nil {
		t.Error("made a password of nothing")
	}
}
