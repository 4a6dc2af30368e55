// Package constraint words what AWS's services answer when a member of a request is not as their models
// have it: "1 validation error detected: Value 'x' at 'member' failed to satisfy constraint: …". The fakes
// of adapters use it as well, so that they and the local cloud refuse in the same words.
package constraint

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check collects what is wrong with a request. Members bear the names of the API, such as "ClientToken".
// A member that is nil is not there: only Required says anything of it.
type Check struct{ broken []string }

// Text is a member of a decoded call; nil when it is not there, or is no string.
func Text(params map[string]any, member string) *string {
	if text, ok := params[member].(string); ok {
		return &text
	}
	return nil
}

// Required wants a member to be there.
func (c *Check) Required(member string, value *string) {
	if value == nil {
		c.add("Value null", member, "Member must not be null")
	}
}

// Length wants a text of low to high characters.
func (c *Check) Length(member string, value *string, low, high int) {
	if value != nil {
		c.bounds("Value '"+*value+"'", member, "length", utf8.RuneCountInString(*value), low, high)
	}
}

// SecretLength is Length for what must not be repeated in an answer.
func (c *Check) SecretLength(member string, value *string, low, high int) {
	if value != nil {
		c.bounds("Value", member, "length", utf8.RuneCountInString(*value), low, high)
	}
}

// Count wants a list of low to high elements.
func (c *Check) Count(member string, n, low, high int) {
	c.bounds("Value", member, "length", n, low, high)
}

// Match wants a text that a pattern matches from its first character to its last.
func (c *Check) Match(member string, value *string, pattern *regexp.Regexp) {
	if value != nil && (pattern.FindStringIndex(*value) == nil || pattern.FindString(*value) != *value) {
		c.add("Value '"+*value+"'", member, "Member must satisfy regular expression pattern: "+pattern.String())
	}
}

// OneOf wants one of a set of words.
func (c *Check) OneOf(member string, value *string, words ...string) {
	if value == nil {
		return
	}
	for _, word := range words {
		if *value == word {
			return
		}
	}
	c.add("Value '"+*value+"'", member, "Member must satisfy enum value set: ["+strings.Join(words, ", ")+"]")
}

// Message is what AWS answers, under the code ValidationException; "" when nothing is wrong.
func (c *Check) Message() string {
	switch n := len(c.broken); n {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + c.broken[0]
	default:
		return fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(c.broken, "; "))
	}
}

func (c *Check) bounds(value, member, what string, n, low, high int) {
	switch {
	case n < low:
		c.add(value, member, fmt.Sprintf("Member must have %s greater than or equal to %d", what, low))
	case n > high:
		c.add(value, member, fmt.Sprintf("Member must have %s less than or equal to %d", what, high))
	}
}

// add words one violation. AWS writes a member's name with a small first letter.
func (c *Check) add(value, member, rule string) {
	first, size := utf8.DecodeRuneInString(member)
	name := string(unicode.ToLower(first)) + member[size:]
	c.broken = append(c.broken, fmt.Sprintf("%s at '%s' failed to satisfy constraint: %s", value, name, rule))
}
