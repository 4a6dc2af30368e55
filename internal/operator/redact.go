package operator

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// bodyShown and attributeShown are how many bytes of a message and of one of its attributes are shown.
	bodyShown      = 4096
	attributeShown = 512
)

var (
	// secretName are names whose values are not shown. Where a secret lies is none.
	secretName = regexp.MustCompile(`(?i)(pass(word|phrase|wd)?|secret|token|credential|authorization|api_?-?key|access_?-?key|private_?-?key|session_?-?key|cookie)s?$`)
	// secretText are texts that are secret, whatever they are called: keys of AWS, passwords in addresses, private keys and tokens.
	secretText = regexp.MustCompile(`(A3T[A-Z0-9]|AKIA|ASIA)[A-Z0-9]{16}|://[^/@\s:"]*:[^/@\s"]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)
	// assigned is a secret in what is no JSON: its name, and its value up to where a word ends.
	assigned = regexp.MustCompile(`(?i)((?:pass(?:word|phrase|wd)?|secret|token|credentials?|authorization|api_?-?key|access_?-?key|private_?-?key)["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|(?:bearer |basic )?[^\s,;&"'}]+)`)
)

const hidden = "(not shown)"

// redacted is a text without what may be secret: in JSON the values of names that say so, and anywhere what looks so.
func redacted(text string) string {
	var value any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil || d.More() {
		return secretText.ReplaceAllString(assigned.ReplaceAllString(text, "${1}"+hidden), hidden)
	}
	if !hides(value) {
		return text // as it was written
	}
	out, err := json.Marshal(redact(value))
	if err != nil {
		return hidden
	}
	return string(out)
}

// hides reports whether something of a value is secret.
func hides(value any) bool {
	before, err := json.Marshal(value)
	if err != nil {
		return true
	}
	after, err := json.Marshal(redact(value))
	return err != nil || string(before) != string(after)
}

func redact(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, below := range v {
			if secretName.MatchString(name) {
				out[name] = hidden
				continue
			}
			out[name] = redact(below)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, below := range v {
			out[i] = redact(below)
		}
		return out
	case string:
		return secretText.ReplaceAllString(assigned.ReplaceAllString(v, "${1}"+hidden), hidden)
	}
	return value
}

// printable is a text that does nothing to a terminal: what is not printed is written as an escape.
func printable(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[0])
		case r == ' ' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
		text = text[size:]
	}
	return out.String()
}

// bounded is so many bytes of a text at most, and says how many there are beyond.
func bounded(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := strings.ToValidUTF8(text[:most], "")
	return fmt.Sprintf("%s… (%d bytes more)", cut, len(text)-len(cut))
}
