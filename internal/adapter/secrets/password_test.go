package secrets

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

func TestPasswordsAreLongAndPlain(t *testing.T) {
	made, err := password(rand.Reader)
	if err != nil || !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).MatchString(made) {
		t.Errorf("a password has %d characters, or others than letters and digits: %v", len(made), err)
	}
}

func TestTooLittleRandomnessIsAnError(t *testing.T) {
	if _, err := password(strings.NewReader("few")); err == nil {
		t.Error("made a password of nothing")
	}
}
