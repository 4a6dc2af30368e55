package events

import (
	"errors"
	"strings"
	"testing"
	"time"
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
		"no time":                  {strings.Replace(good, `"72h"`, `"72h","asOf":"yesterday"`, 1), "asOf"},
		"a time without its zone":  {strings.Replace(good, `"72h"`, `"72h","asOf":"2026-03-01T12:00:00"`, 1), "asOf"},
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

func TestWhatIsWantedSinceBeforeItWasSent(t *testing.T) {
	sent := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for asOf, want := range map[string]time.Time{
		"":                              sent,
		"2026-03-01T12:30:00+01:00":     sent.Add(-30 * time.Minute),
		"2026-03-01T11:59:59.999Z":      sent.Add(-time.Millisecond),
		"2026-03-01T12:00:00.001Z":      sent, // nobody wants what comes yet
		"9999-01-01T00:00:00Z":          sent,
		"the day before they signed up": sent,
	} {
		if got := Wanted(asOf, sent); !got.Equal(want) {
			t.Errorf("as of %q it is wanted since %s, not %s", asOf, got, want)
		}
	}
}
