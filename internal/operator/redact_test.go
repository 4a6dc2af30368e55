package operator

import (
	"strings"
	"testing"
)

func TestWhatMayBeSecretIsNotShown(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
	for text, want := range map[string]string{
		`{"tenantId":"acme","tier":"standard"}`:           `{"tenantId":"acme","tier":"standard"}`,
		`{"password":"hunter2","tenantId":"acme"}`:        `{"password":"(not shown)","tenantId":"acme"}`,
		`{"a":[{"dbPassword":"hunter2"}]}`:                `{"a":[{"dbPassword":"(not shown)"}]}`,
		`{"secrets":{"a":"hunter2"}}`:                     `{"secrets":"(not shown)"}`,
		`{"secretArn":"arn:aws:secretsmanager:x:1:s:y"}`:  `{"secretArn":"arn:aws:secretsmanager:x:1:s:y"}`,
		`{"why":"it said password=hunter2 and ended"}`:    `{"why":"it said password=(not shown) and ended"}`,
		`{"url":"postgres://u:hunter2@h/d"}`:              `{"url":"postgres(not shown)h/d"}`,
		`{"n":12345678901234567890,"token":1}`:            `{"n":12345678901234567890,"token":"(not shown)"}`,
		`{"key":"AKIAIOSFODNN7EXAMPLE"}`:                  `{"key":"(not shown)"}`,
		`not JSON, Authorization: Bearer hunter2, and so`: `not JSON, Authorization: (not shown), and so`,
		`{"cut":"off","password":"hunter2`:                `{"cut":"off","password":(not shown)`,
		jwt:                                               hidden,
		"-----BEGIN RSA PRIVATE KEY-----\nhunter2\n":      hidden,
	} {
		if got := redacted(text); got != want {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}

func TestWhatIsShownDoesNothingToATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"plain, with é and 漢": "plain, with é and 漢",
		"\x1b[2Jgone":         `\u001b[2Jgone`,
		"a\r\nb\tc":           `a\u000d\u000ab\u0009c`,
		"\u009b2J":            `\u009b2J`,
		"\u202eright to left": `\u202eright to left`,
		"\xff":                `\xff`,
		"\U000e0041":          `\U000e0041`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %s", text, got)
		}
	}
}

func TestWhatIsLongIsCutOff(t *testing.T) {
	if got := bounded(strings.Repeat("é", 10), 5); got != "éé… (16 bytes more)" {
		t.Error(got)
	}
	if got := bounded("short", 5); got != "short" {
		t.Error(got)
	}
}
