package pool_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"regexp"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func TestNamesAreOpaqueAndFitEverywhere(t *testing.T) {
	pattern, seen := regexp.MustCompile(`^[a-z][a-z0-9]{11}$`), map[string]bool{}
	for range 1000 {
		name, err := pool.OpaqueName(rand.Reader)
		if err != nil || !pattern.MatchString(name) || seen[name] {
			t.Fatalf("got %q, %v", name, err)
		}
		seen[name] = true
	}
}

func TestEveryCharacterIsAsLikely(t *testing.T) {
	// Every byte value once: each character comes up equally often, and the rest are drawn again.
	alphabet := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	want := 256 / len(alphabet)
	drawn, err := pool.Draw(bytes.NewReader(all), alphabet, want*len(alphabet))
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
		if name, err := pool.OpaqueName(source); err == nil {
			t.Errorf("made %q", name)
		}
	}
}
