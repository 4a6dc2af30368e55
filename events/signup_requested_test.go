package events

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestSignupIsParsed(t *testing.T) {
	got, err := ParseSignupRequested(sample(t, "SignupRequested"))
	want := SignupRequested{Version: "1", TenantID: "acme", Tier: "standard", InstanceIP: "10.0.3.7", Correlated: Correlated{"5e0c8a1f-3b7d-4c2e-9a65-7d1f0b8e4c23"}}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestSignupWithUnknownFieldsIsParsed(t *testing.T) {
	body := `{"version":"1","tenantId":"acme","tier":"standard","instanceIp":"127.0.0.5","colour":"blue"}`
	if _, err := ParseSignupRequested([]byte(body)); err != nil {
		t.Fatal(err)
	}
}

// signup is a body with one field replaced by raw JSON.
func signup(field, raw string) string {
	fields := map[string]string{"version": `"1"`, "tenantId": `"acme"`, "tier": `"standard"`, "instanceIp": `"10.0.3.7"`}
	fields[field] = raw
	return fmt.Sprintf(`{"version":%s,"tenantId":%s,"tier":%s,"instanceIp":%s}`,
		fields["version"], fields["tenantId"], fields["tier"], fields["instanceIp"])
}

func TestBadSignupIsRejectedByField(t *testing.T) {
	for _, test := range []struct{ name, body, field, reason string }{
		{"nothing", ``, "body", "is not JSON"},
		{"a correlation id that is a number", `{"version":"1","tenantId":"acme","tier":"standard","instanceIp":"10.0.3.7","correlationId":7}`, "correlationId", "is not a string but number"},
		{"a correlation id that is a filter", `{"version":"1","tenantId":"acme","tier":"standard","instanceIp":"10.0.3.7","correlationId":"a\" || \"b"}`, "correlationId", "is malformed: want ^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},
		{"text", `hello`, "body", "is not JSON"},
		{"two values", signup("tier", `"standard"`) + `{}`, "body", "is not JSON"},
		{"an array", `[]`, "body", "is not a JSON object"},
		{"a string", `"acme"`, "body", "is not a JSON object"},
		{"null", `null`, "body", "is not a JSON object"},
		{"an empty object", `{}`, "version", "is missing"},
		{"unknown version", signup("version", `"2"`), "version", "is unknown"},
		{"numeric version", signup("version", `1`), "version", "is not a string but number"},
		{"null tenant", signup("tenantId", `null`), "tenantId", "is missing"},
		{"empty tenant", signup("tenantId", `""`), "tenantId", "is missing"},
		{"numeric tenant", signup("tenantId", `5`), "tenantId", "is not a string but number"},
		{"tenant with a slash", signup("tenantId", `"a/b"`), "tenantId", "is malformed"},
		{"tenant with a line break", signup("tenantId", `"acme\n"`), "tenantId", "is malformed"},
		{"tenant that starts with a dash", signup("tenantId", `"-acme"`), "tenantId", "is malformed"},
		{"tenant of 65 letters", signup("tenantId", `"`+strings.Repeat("a", 65)+`"`), "tenantId", "is malformed"},
		{"tenant beyond ASCII", signup("tenantId", `"ácme"`), "tenantId", "is malformed"},
		{"no tier", signup("tier", `""`), "tier", "is missing"},
		{"tier in capitals", signup("tier", `"Standard"`), "tier", "is malformed"},
		{"tier of 21 letters", signup("tier", `"`+strings.Repeat("a", 21)+`"`), "tier", "is malformed"},
		{"no address", signup("instanceIp", `""`), "instanceIp", "is missing"},
		{"a list of addresses", signup("instanceIp", `["10.0.0.1"]`), "instanceIp", "is not a string but array"},
		{"a name", signup("instanceIp", `"localhost"`), "instanceIp", "is not one IPv4 address"},
		{"two addresses", signup("instanceIp", `"10.0.0.1,10.0.0.2"`), "instanceIp", "is not one IPv4 address"},
		{"a network", signup("instanceIp", `"10.0.0.0/8"`), "instanceIp", "is not one IPv4 address"},
		{"an address as a network", signup("instanceIp", `"10.0.0.1/32"`), "instanceIp", "is not one IPv4 address"},
		{"an address with a port", signup("instanceIp", `"10.0.0.1:80"`), "instanceIp", "is not one IPv4 address"},
		{"an address with spaces", signup("instanceIp", `" 10.0.0.1"`), "instanceIp", "is not one IPv4 address"},
		{"an octal address", signup("instanceIp", `"010.0.0.1"`), "instanceIp", "is not one IPv4 address"},
		{"a short address", signup("instanceIp", `"10.1"`), "instanceIp", "is not one IPv4 address"},
		{"IPv6", signup("instanceIp", `"2001:db8::1"`), "instanceIp", "is not one IPv4 address"},
		{"IPv4 in IPv6", signup("instanceIp", `"::ffff:10.0.0.1"`), "instanceIp", "is not one IPv4 address"},
		{"everything", signup("instanceIp", `"0.0.0.0"`), "instanceIp", "0.0.0.0/8"},
		{"this network", signup("instanceIp", `"0.1.2.3"`), "instanceIp", "0.0.0.0/8"},
		{"link-local", signup("instanceIp", `"169.254.169.254"`), "instanceIp", "link-local"},
		{"multicast", signup("instanceIp", `"224.0.0.1"`), "instanceIp", "multicast"},
		{"reserved", signup("instanceIp", `"240.0.0.1"`), "instanceIp", "240.0.0.0/4"},
		{"broadcast", signup("instanceIp", `"255.255.255.255"`), "instanceIp", "broadcast"},
		{"a tenant twice", signup("tier", `"standard","tenantId":"other"`), "tenantId", "more than once"},
		{"a tenant twice, once escaped", signup("tier", `"standard","tenant\u0049d":"other"`), "tenantId", "more than once"},
		{"the same tenant twice", signup("tier", `"standard","tenantId":"acme"`), "tenantId", "more than once"},
		{"a tier twice", signup("tier", `"gold","tier":"standard"`), "tier", "more than once"},
		{"another name twice", signup("tier", `"standard","colour":1,"colour":2`), "body", "a name more than once"},
		{"names in capitals", `{"VERSION":"1","TENANTID":"acme","TIER":"standard","INSTANCEIP":"10.0.3.7"}`, "version", "other letters"},
		{"a tenant in small letters beside", signup("tier", `"standard","tenantid":"other"`), "tenantId", "other letters"},
		{"a tenant in small letters before", `{"tenantid":"other",` + signup("tier", `"standard"`)[1:], "tenantId", "other letters"},
		{"249 KB of other fields", signup("tier", `"standard"`+strings.Repeat(`,"a":1`, 249_000/6)), "body", "longer than 16384 bytes"},
		{"9,000 values within each other", signup("tier", `"standard","a":`+strings.Repeat("[", 7000)+strings.Repeat("]", 7000)), "body", "within each other"},
		{"bytes that are no text", signup("tenantId", "\"ac\xffme\""), "body", "is not JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseSignupRequested([]byte(test.body))
			var fieldError *FieldError
			if !errors.As(err, &fieldError) {
				t.Fatalf("got %+v, %v; want a FieldError", got, err)
			}
			if fieldError.Field != test.field || !strings.Contains(fieldError.Reason, test.reason) {
				t.Errorf("got %q, want %s … %s", fieldError, test.field, test.reason)
			}
		})
	}
}

func TestRejectedSignupStillNamesItsTenant(t *testing.T) {
	for _, test := range []struct{ name, body, tenant string }{
		{"another field is malformed", signup("instanceIp", `"0.0.0.0"`), "acme"},
		{"another field has the wrong type", signup("tier", `7`), "acme"},
		{"the version is unknown", signup("version", `"2"`), "acme"},
		{"the tenant is malformed", signup("tenantId", `"a/b"`), ""},
		{"a field before it has the wrong type", signup("version", `1`), "acme"},
		{"a field is there twice", signup("tier", `"gold","tier":"standard"`), "acme"},
		{"a field that means nothing is there twice", signup("tier", `"standard","colour":1,"colour":2`), "acme"},
		{"a field is spelt in other letters", `{"Version":"1","tenantId":"acme"}`, "acme"},
		{"the tenant is there twice", signup("tier", `"standard","tenantId":"other"`), ""},
		{"the tenant is there in other letters too", signup("tier", `"standard","TenantID":"other"`), ""},
		{"the body is not JSON", `{"tenantId":"acme"`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseSignupRequested([]byte(test.body))
			if err == nil || got.TenantID != test.tenant {
				t.Errorf("got tenant %q and error %v, want tenant %q and an error", got.TenantID, err, test.tenant)
			}
			if err := checkInstanceIP(got.InstanceIP); err != nil && got.InstanceIP != "" {
				t.Errorf("a malformed address came back: %s", got.InstanceIP)
			}
		})
	}
}

func TestFieldErrorRepeatsNothingThatWasSent(t *testing.T) {
	for _, field := range []string{"version", "tenantId", "tier", "instanceIp"} {
		for _, raw := range []string{`"SECRET stuff"`, `90909`} {
			_, err := ParseSignupRequested([]byte(signup(field, raw)))
			if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "90909") {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}
