package demo

import (
	"strings"
	"testing"
)

func TestNoticesOfAHostAreToldApart(t *testing.T) {
	b := &board{}
	for _, n := range []News{
		{Kind: NewsNotice, Text: "people are notified: Headroom dev: host database-standard-1 is cordoned", Body: "one"},
		{Kind: NewsNotice, Text: "people are notified: Headroom dev: host database-standard-10 is cordoned", Body: "ten"},
		{Kind: NewsEvent, Text: "host database-standard-1 takes no more tenants"},
	} {
		b.hear(n)
	}
	if got := b.of("database-standard-1"); len(got) != 1 || got[0].Body != "one" {
		t.Errorf("of the host it has %+v", got)
	}
}

func TestANoticeIsOneWithWhichAPersonCanAct(t *testing.T) {
	whole := News{Body: "acme uses most\nRunbook:  docs/runbooks.md#database-cpu\nNext:     headroom host show database-standard-1"}
	without := func(what string) []News { return []News{{Body: strings.ReplaceAll(whole.Body, what, "")}} }
	acme := Tenant{ID: "acme"}
	if err := toldOnceOf([]News{whole}, acme); err != nil {
		t.Error(err)
	}
	for name, notices := range map[string][]News{
		"none": nil, "two": {whole, whole}, "no tenant": without("acme"), "no runbook": without("Runbook:"), "nothing next": without("Next:"),
	} {
		if toldOnceOf(notices, acme) == nil {
			t.Errorf("%s: it holds", name)
		}
	}
}

func TestATextIsSetOff(t *testing.T) {
	if got, want := indented("one\n\ntwo\n"), "           one\n\n           two\n"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}
