package events

import (
	"errors"
	"strings"
	"testing"
)

func TestDecommissionRequestsAreRead(t *testing.T) {
	got, err := ParseDecommissionRequested(sample(t, "DecommissionRequested"))
	if err != nil || got.TenantID != "acme" || got.Grace != "72h" || got.Reason != "its contract ended" || got.RequestedBy != "billing" {
		t.Errorf("read %+v, %v", got, err)
	}
	undo, err := ParseUndoRequested(sample(t, "UndoRequested"))
	if err != nil || undo.TenantID != "acme" || undo.RequestedBy != "billing" {
		t.Errorf("read %+v, %v", undo, err)
	}
}

func TestBadDecommissionRequestsNameTheirField(t *testing.T) {
	good := string(sample(t, "DecommissionRequested"))
	for name, test := range map[string]struct{ body, field string }{
		"no JSON":                  {"leave", FieldBody},
		"another version":          {strings.Replace(good, `"1"`, `"2"`, 1), "version"},
		"another type":             {strings.Replace(good, `"DecommissionRequested"`, `"UndoRequested"`, 1), "type"},
		"no tenant":                {strings.Replace(good, `"acme"`, `""`, 1), "tenantId"},
		"a tenant with a dot":      {strings.Replace(good, `"acme"`, `"a.b"`, 1), "tenantId"},
		"a pattern as a tenant":    {strings.Replace(good, `"acme"`, `"*"`, 1), "tenantId"},
		"no reason":                {strings.Replace(good, `"its contract ended"`, `"  "`, 1), "reason"},
		"a reason of two lines":    {strings.Replace(good, `"its contract ended"`, `"a\nb"`, 1), "reason"},
		"a long reason":            {strings.Replace(good, `"its contract ended"`, `"`+strings.Repeat("a", 401)+`"`, 1), "reason"},
		"nobody asks":              {strings.Replace(good, `"billing"`, `null`, 1), "requestedBy"},
		"a grace that is none":     {strings.Replace(good, `"72h"`, `"3 days"`, 1), "grace"},
		"a grace before":           {strings.Replace(good, `"72h"`, `"-1h"`, 1), "grace"},
		"a grace that is a number": {strings.Replace(good, `"72h"`, `72`, 1), "grace"},
		"a tenant twice":           {strings.Replace(good, `"reason"`, `"tenantId":"other","reason"`, 1), "tenantId"},
		"a name in other letters":  {strings.Replace(good, `"tenantId"`, `"TENANTID"`, 1), "tenantId"},
	} {
		t.Run(name, func(t *testing.T) {
			var bad *FieldError
			if _, err := ParseDecommissionRequested([]byte(test.body)); !errors.As(err, &bad) || bad.Field != test.field {
				t.Errorf("error %v, want one about %s", err, test.field)
			}
		})
	}
}
