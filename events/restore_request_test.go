package events

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRestoreRequestsAreRead(t *testing.T) {
	got, err := ParseRestoreRequest(sample(t, "RestoreRequest"))
	if err != nil || got.TenantID != "acme" || !got.Database || !got.Share || got.Grace != "72h" ||
		!got.To.Time.Equal(time.Date(2026, 11, 26, 10, 15, 0, 0, time.UTC)) || got.RequestedBy != "ada" {
		t.Errorf("read %+v, %v", got, err)
	}
	undo, err := ParseRestoreUndo(sample(t, "RestoreUndo"))
	if err != nil || undo.TenantID != "acme" || undo.RequestedBy != "ada" {
		t.Errorf("read %+v, %v", undo, err)
	}
}

func TestBadRestoreRequestsNameTheirField(t *testing.T) {
	good := strings.Join(strings.Fields(string(sample(t, "RestoreRequest"))), "")
	good = strings.Replace(good, `"itdroppedatable"`, `"it dropped a table"`, 1)
	for name, test := range map[string]struct{ old, new, field string }{
		"no JSON":                {good, "back", FieldBody},
		"a list":                 {good, "[]", FieldBody},
		"another version":        {`"version":"1"`, `"version":"2"`, "version"},
		"another type":           {`"RestoreRequest"`, `"RestoreUndo"`, "type"},
		"no tenant":              {`"acme"`, `""`, "tenantId"},
		"a tenant twice":         {`"to"`, `"tenantId":"other","to"`, FieldBody},
		"neither part":           {`"database":true,"share":true`, `"database":false`, "database"},
		"a part that is a word":  {`"database":true`, `"database":"yes"`, FieldBody},
		"no time":                {`"to":"2026-11-26T10:15:00Z",`, ``, "to"},
		"a time before all time": {`"2026-11-26T`, `"0001-01-01T`, "to"},
		"a time without a zone":  {`10:15:00Z`, `10:15:00`, FieldBody},
		"no reason":              {`"it dropped a table"`, `" "`, "reason"},
		"nobody asks":            {`"ada"`, `null`, "requestedBy"},
		"a grace that is none":   {`"72h"`, `"3 days"`, "grace"},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(good, test.old, test.new, 1)
			if body == good {
				t.Fatalf("the sample has no %s", test.old)
			}
			var bad *FieldError
			if _, err := ParseRestoreRequest([]byte(body)); !errors.As(err, &bad) || bad.Field != test.field {
				t.Errorf("error %v, want one about %s", err, test.field)
			}
		})
	}
}
