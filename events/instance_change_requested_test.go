package events

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestInstanceChangesAreRead(t *testing.T) {
	got, err := ParseInstanceChangeRequested(sample(t, "InstanceChangeRequested"))
	if err != nil || got.TenantID != "acme" || !slices.Equal(got.Add, []string{"10.0.3.8"}) || !slices.Equal(got.Remove, []string{"10.0.3.7"}) ||
		got.Reason != "its machine is replaced" || got.RequestedBy != "fleet" {
		t.Errorf("read %+v, %v", got, err)
	}
	for _, body := range []string{
		`{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":["10.0.3.8"]}`,
		`{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":["10.0.3.8"],"remove":null,"note":{"a":[1]}}`,
		`{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":["10.0.3.8"],"reason":"","requestedBy":null}`,
		`{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","remove":["10.0.3.8","10.0.3.9"],"add":[]}`,
	} {
		if _, err := ParseInstanceChangeRequested([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestBadInstanceChangesNameTheirField(t *testing.T) {
	good := string(sample(t, "InstanceChangeRequested"))
	good = strings.NewReplacer("\n", "", ": ", ":", "  ", "").Replace(good)
	for name, test := range map[string]struct{ from, to, field, reason string }{
		"no JSON":                    {good, "move", FieldBody, "is not JSON"},
		"another version":            {`"1"`, `"2"`, "version", "is unknown"},
		"another type":               {`"InstanceChangeRequested"`, `"SignupRequested"`, "type", "is not InstanceChangeRequested"},
		"no type":                    {`"type":"InstanceChangeRequested",`, ``, "type", "is not"},
		"no tenant":                  {`"acme"`, `""`, "tenantId", "is missing"},
		"a tenant with a slash":      {`"acme"`, `"a/b"`, "tenantId", "is malformed"},
		"nothing to change":          {`"add":["10.0.3.8"],"remove":["10.0.3.7"]`, `"add":[],"remove":null`, "add", "is missing, and so is remove"},
		"one address, not a list":    {`["10.0.3.8"]`, `"10.0.3.8"`, "add", "is not a list"},
		"a list of numbers":          {`["10.0.3.7"]`, `[1]`, "remove", "is not a list of strings"},
		"a list of lists":            {`["10.0.3.7"]`, `[["10.0.3.7"]]`, "remove", "is not a list of strings"},
		"a network":                  {`"10.0.3.8"`, `"10.0.3.0/24"`, "add", "has number 1, which is not one IPv4 address"},
		"an empty address":           {`"10.0.3.8"`, `"10.0.3.8",""`, "add", "has number 2, which is missing"},
		"a null among addresses":     {`"10.0.3.8"`, `"10.0.3.8",null`, "add", ""},
		"everybody":                  {`"10.0.3.8"`, `"0.0.0.0"`, "add", "has number 1, which is an address of this network"},
		"a broadcast, to be removed": {`"10.0.3.7"`, `"255.255.255.255"`, "remove", "has number 1, which is the broadcast address"},
		"an address twice":           {`"10.0.3.8"`, `"10.0.3.8","10.0.3.8"`, "add", "has number 2, which is there twice"},
		"added and removed":          {`"10.0.3.7"`, `"10.0.3.9","10.0.3.8"`, "remove", "has number 2, which is added as well"},
		"a reason of two lines":      {`"its machine is replaced"`, `"its machine\nis replaced"`, "reason", "has characters that are no text"},
		"a reason that is a number":  {`"its machine is replaced"`, `7`, "reason", "is not a string but number"},
		"nobody's long name":         {`"fleet"`, `"` + strings.Repeat("x", 401) + `"`, "requestedBy", "is longer than 400 bytes"},
		"a list twice":               {`"remove"`, `"add"`, "add", "is there more than once"},
		"a name in other letters":    {`"remove"`, `"Remove"`, "remove", "is spelt in other letters"},
		"more than can mean a thing": {`"acme"`, `"acme","x":"` + strings.Repeat("x", 17<<10) + `"`, FieldBody, "is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(good, test.from, test.to, 1)
			var bad *FieldError
			if _, err := ParseInstanceChangeRequested([]byte(body)); !errors.As(err, &bad) || bad.Field != test.field || !strings.HasPrefix(bad.Reason, test.reason) {
				t.Errorf("%s: error %v, want one about %s", body, err, test.field)
			}
		})
	}
}
