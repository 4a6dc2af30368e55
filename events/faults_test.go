package events

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAllThatCanNotBeMeantIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"a signup that is well":         {`{"version":"1","tenantId":"acme","tier":"gold","instanceIp":"10.40.1.7"}`, nil},
		"a signup":                      {`{"version":"2","tenantId":"a/b","tier":"gold","instanceIp":"here"}`, []string{"version is unknown: want 1", "tenantId is malformed: want ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", "instanceIp is not one IPv4 address"}},
		"no JSON":                       {`sign me up`, []string{"body is not JSON"}},
		"a departure":                   {`{"version":"1","type":"DecommissionRequested","tenantId":7,"requestedBy":"jo","grace":"long"}`, []string{"tenantId is not a string but number", "reason is missing", `grace is no duration such as "72h"`}},
		"a change of addresses":         {`{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":"10.0.0.1","remove":["x"]}`, []string{"add is not a list", "remove has number 1, which is not one IPv4 address"}},
		"a restoration":                 {`{"version":"1","type":"RestoreRequest","tenantId":"acme","reason":"x"}`, []string{"database is not wanted, and share is not either", "to is missing", "requestedBy is missing"}},
		"a slot of all of a departure":  {`{"version":"1","type":"DepartureRequest","departureId":"acme.k3v9","action":"resume","slot":"share","requestedBy":"jo","reason":"x"}`, []string{"slot is not for resume, which is of all of the departure"}},
		"a message of Headroom's own":   {`{"version":"9","type":"Step"}`, nil},
		"a message that nobody knows":   {`{"version":"9","type":"DropEverything"}`, nil},
		"an event of AWS's, of nothing": {`{"detail-type":"x"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, bad := range Faults([]byte(test.body)) {
				got = append(got, bad.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Who refuses a message does so for the first fault.
func TestTheFirstFaultIsFound(t *testing.T) {
	_, err := ParseSignupRequested([]byte(`{"version":"1","tier":"","instanceIp":"10.40.1.7"}`))
	var bad *FieldError
	if !errors.As(err, &bad) || *bad != (FieldError{Field: "tenantId", Reason: "is missing"}) || err.Error() != "tenantId is missing" {
		t.Errorf("got %v", err)
	}
}

func TestAMessageIsKeptWithWhoSentItAndItsFirstID(t *testing.T) {
	bad := &FieldError{Field: "tier", Reason: "is unknown"}
	for name, test := range map[string]struct {
		d    Delivery
		want map[string]string
	}{
		"once":              {Delivery{ID: "m-1", Sender: "AROAX:jo"}, map[string]string{"field": "tier", "reason": "is unknown", "firstId": "m-1", "sender": "AROAX:jo"}},
		"again":             {Delivery{ID: "m-2", FirstID: "m-1"}, map[string]string{"field": "tier", "reason": "is unknown", "firstId": "m-1"}},
		"with a forged one": {Delivery{ID: "m-2", FirstID: "m 1\n"}, map[string]string{"field": "tier", "reason": "is unknown", "firstId": "m-2"}},
	} {
		if diff := cmp.Diff(test.want, test.d.Kept(bad)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
