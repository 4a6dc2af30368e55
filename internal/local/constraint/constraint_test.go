package constraint_test

import (
	"regexp"
	"strings"
	"testing"

	"headroom/internal/local/constraint"
)

func TestViolationsAreWordedAsAWSDoes(t *testing.T) {
	text := func(s string) *string { return &s }
	const one = "1 validation error detected: "
	tests := []struct {
		name  string
		check func(*constraint.Check)
		want  string
	}{
		{"nothing", func(c *constraint.Check) { c.Length("Name", text("ab"), 2, 3) }, ""},
		{"not there", func(c *constraint.Check) {
			c.Length("Name", nil, 2, 3)
			c.Match("Name", nil, regexp.MustCompile("a"))
			c.OneOf("Name", nil)
		}, ""},
		{"missing", func(c *constraint.Check) { c.Required("GatewayARN", nil) }, one + "Value null at 'gatewayARN' failed to satisfy constraint: Member must not be null"},
		{"too short", func(c *constraint.Check) { c.Length("ClientToken", text("ab"), 5, 100) }, one + "Value 'ab' at 'clientToken' failed to satisfy constraint: Member must have length greater than or equal to 5"},
		{"too long", func(c *constraint.Check) { c.Length("Name", text("abcd"), 1, 3) }, one + "Value 'abcd' at 'name' failed to satisfy constraint: Member must have length less than or equal to 3"},
		{"characters, not bytes", func(c *constraint.Check) { c.Length("Name", text("ééé"), 1, 3) }, ""},
		{"a secret", func(c *constraint.Check) { c.SecretLength("SecretString", text(strings.Repeat("s", 9)), 1, 8) }, one + "Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 8"},
		{"a list", func(c *constraint.Check) { c.Count("Entries", 11, 1, 10) }, one + "Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"a word", func(c *constraint.Check) { c.OneOf("Type", text("Text"), "String", "StringList") }, one + "Value 'Text' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [String, StringList]"},
		{"a pattern", func(c *constraint.Check) { c.Match("Role", text("me"), regexp.MustCompile("^arn:.*$")) }, one + "Value 'me' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: ^arn:.*$"},
		{"only a part matches", func(c *constraint.Check) { c.Match("Name", text("a1"), regexp.MustCompile("[a-z]+")) }, one + "Value 'a1' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+"},
		{"two", func(c *constraint.Check) { c.Required("Name", nil); c.Required("Role", nil) }, "2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; Value null at 'role' failed to satisfy constraint: Member must not be null"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var check constraint.Check
			test.check(&check)
			if got := check.Message(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
