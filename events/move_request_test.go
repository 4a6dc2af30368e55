package events

import (
	"errors"
	"strings"
	"testing"
)

func TestMoveRequestsAreRead(t *testing.T) {
	got, err := ParseMoveRequest(sample(t, "MoveRequest"))
	if err != nil || got.TenantID != "acme" || got.To != "database-standard-2" || got.Most != "10m" || got.Grace != "72h" || got.RequestedBy != "ada" {
		t.Errorf("read %+v, %v", got, err)
	}
	least := `{"version":"1","type":"MoveRequest","tenantId":"acme","reason":"r","requestedBy":"o"}`
	if got, err = ParseMoveRequest([]byte(least)); err != nil || got != NewMoveRequest("acme", "r", "o") {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestBadMoveRequestsNameTheirField(t *testing.T) {
	good := strings.Join(strings.Fields(string(sample(t, "MoveRequest"))), "")
	for name, test := range map[string]struct{ old, new, field string }{
		"another type":              {`"MoveRequest"`, `"RestoreRequest"`, "type"},
		"no tenant":                 {`"acme"`, `""`, "tenantId"},
		"a share host":              {`"database-standard-2"`, `"share-standard-2"`, "to"},
		"a host that is none":       {`"database-standard-2"`, `"database-standard-0"`, "to"},
		"a time that is none":       {`"10m"`, `"-10m"`, "most"},
		"a grace that is none":      {`"72h"`, `"3 days"`, "grace"},
		"nobody asks":               {`"ada"`, `" "`, "requestedBy"},
		"a name that is not a word": {`"acme"`, `7`, "tenantId"},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(good, test.old, test.new, 1)
			var bad *FieldError
			if _, err := ParseMoveRequest([]byte(body)); body == good || !errors.As(err, &bad) || bad.Field != test.field {
				t.Errorf("error %v, want one about %s", err, test.field)
			}
		})
	}
}
