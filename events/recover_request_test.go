package events

import (
	"errors"
	"strings"
	"testing"
)

func TestRecoverRequestsAreRead(t *testing.T) {
	good := `{"version":"1","type":"RecoverRequest","action":"apply","digest":"0123456789abcdef","reason":"the table was put back","requestedBy":"ada"}`
	if got, err := ParseRecoverRequest([]byte(good)); err != nil || got.Action != RecoverApply || got.Digest != "0123456789abcdef" || got.RequestedBy != "ada" {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := ParseRecoverRequest([]byte(strings.NewReplacer(`"apply"`, `"look"`, `"digest":"0123456789abcdef",`, "").Replace(good))); err != nil {
		t.Errorf("a look: %v", err)
	}
	for name, test := range map[string]struct{ old, new, field string }{
		"no JSON":                {good, "back", FieldBody},
		"another action":         {`"apply"`, `"destroy"`, "action"},
		"a plan that none means": {`"digest":"0123456789abcdef",`, ``, "digest"},
		"a look with a plan":     {`"apply"`, `"look"`, "digest"},
		"no digest":              {`0123456789abcdef`, `yes`, "digest"},
		"no reason":              {`"the table was put back"`, `""`, "reason"},
		"nobody asks":            {`"ada"`, `""`, "requestedBy"},
	} {
		t.Run(name, func(t *testing.T) {
			var bad *FieldError
			if _, err := ParseRecoverRequest([]byte(strings.Replace(good, test.old, test.new, 1))); !errors.As(err, &bad) || bad.Field != test.field {
				t.Errorf("got %v, want field %s", err, test.field)
			}
		})
	}
}
