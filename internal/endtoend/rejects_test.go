package endtoend

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/events"
)

// badSignup is a message that must be refused, and the field that it must be refused for.
type badSignup struct{ what, body, tenant, field string }

// word is a signup of the tenant "bad", with a change.
func word(change func(*events.SignupRequested)) string {
	r := events.SignupRequested{Version: events.Version, TenantID: "bad", Tier: string(tier), InstanceIP: "127.30.0.1"}
	change(&r)
	text, _ := json.Marshal(r) // of strings
	return string(text)
}

// otherAddress signs a tenant up again, with an address that is not its own.
func otherAddress(tenant string) badSignup {
	return badSignup{"another address of a tenant", word(func(r *events.SignupRequested) { r.TenantID = tenant }), tenant, "instanceIp"}
}

// badSignups are one of each kind that is bad whatever came before it.
func badSignups() []badSignup {
	address := func(ip string) string { return word(func(r *events.SignupRequested) { r.InstanceIP = ip }) }
	return []badSignup{
		{"not JSON", "sign me up", "", "body"},
		{"no JSON object", `["sign", "me", "up"]`, "", "body"},
		{"unknown version", word(func(r *events.SignupRequested) { r.Version = "99" }), "bad", "version"},
		{"no version", word(func(r *events.SignupRequested) { r.Version = "" }), "bad", "version"},
		{"no tenant", word(func(r *events.SignupRequested) { r.TenantID = "" }), "", "tenantId"},
		{"malformed tenant", word(func(r *events.SignupRequested) { r.TenantID = "../acme" }), "", "tenantId"},
		{"unknown type", `{"version":"1","type":"DropEverything"}`, "", "type"},
		{"tier that no pool serves", word(func(r *events.SignupRequested) { r.Tier = "platinum" }), "bad", "tier"},
		{"no address", address(""), "bad", "instanceIp"},
		{"a name for an address", address("app.example.com"), "bad", "instanceIp"},
		{"a network for an address", address("127.30.0.0/16"), "bad", "instanceIp"},
		{"everybody for an address", address("0.0.0.0"), "bad", "instanceIp"},
		{"a multicast address", address("224.0.0.1"), "bad", "instanceIp"},
		{"the broadcast address", address("255.255.255.255"), "bad", "instanceIp"},
		{"an IPv6 address", address("::1"), "bad", "instanceIp"},
		{"an address where no instances live", address("203.0.113.9"), "bad", "instanceIp"},
		{"the address of a network", address("127.0.0.0"), "bad", "instanceIp"},
		{"the broadcast address of a network", address("127.255.255.255"), "bad", "instanceIp"},
		{"a gateway's own address", address("127.10.0.1"), "bad", "instanceIp"},
		{"two tenants", strings.Replace(address("127.30.0.1"), "{", `{"tenantId":"good",`, 1), "", "tenantId"},
		{"names in capitals", `{"VERSION":"1","TENANTID":"bad","TIER":"standard","INSTANCEIP":"127.30.0.1"}`, "", "version"},
		{"more than can mean anything", strings.Replace(address("127.30.0.1"), "{", `{"more":"`+strings.Repeat("a", 200_000)+`",`, 1), "", "body"},
	}
}

// rejects wants each of the messages to be kept in the dead-letter queue, and an event and a log line
// to name the field and the reason.
func (s *system) rejects(t *testing.T, bad []badSignup) {
	t.Helper()
	kept := s.deadSignups(t, len(bad))
	var rejected map[string]events.SignupRejected
	s.await(t, "every bad signup is rejected", func() bool {
		rejected = firstOf(s.watch, func(e events.SignupRejected) string { return e.MessageID })
		return len(rejected) >= len(bad)
	})
	for _, b := range bad {
		why, ok := kept[b.body]
		switch {
		case !ok:
			t.Errorf("%s: the message is not in the dead-letter queue", b.what)
			continue
		case why["field"] != b.field || why["reason"] == "":
			t.Errorf("%s: kept with field %q and reason %q, want field %q", b.what, why["field"], why["reason"], b.field)
		}
		told := false
		for _, e := range rejected {
			if e.TenantID == b.tenant && e.Field == b.field && e.Reason == why["reason"] {
				told = true
				s.awaitLog(t, 0, "signup", "signup rejected", e.MessageID, `"`+e.Field+`"`)
			}
		}
		if !told {
			t.Errorf("%s: no event says %s %s", b.what, b.field, why["reason"])
		}
	}
	if len(rejected) != len(bad) {
		t.Errorf("%d messages were rejected, want %d: %v", len(rejected), len(bad), rejected)
	}
}

// deadSignups waits for so many different messages in the signups' dead-letter queue, and returns each
// one's attributes by its body.
func (s *system) deadSignups(t *testing.T, want int) map[string]map[string]string {
	t.Helper()
	client, url := sqs.NewFromConfig(s.AWS()), s.output(t, "SignupDlqUrl")
	kept := map[string]map[string]string{}
	s.await(t, "the dead-letter queue has every bad signup", func() bool {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		must(t, err)
		for _, m := range out.Messages {
			why := map[string]string{}
			for name, value := range m.MessageAttributes {
				why[name] = aws.ToString(value.StringValue)
			}
			kept[aws.ToString(m.Body)] = why
		}
		return len(kept) >= want
	})
	return kept
}
