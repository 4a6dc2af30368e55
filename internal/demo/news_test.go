package demo

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewsOfAnEventSaysWhomItIsAbout(t *testing.T) {
	for name, c := range map[string]struct {
		detailType, detail string
		want               News
	}{
		"a host": {
			"HostFailed", `{"hostId":"share-standard-1","reason":"no capacity"}`,
			News{Kind: NewsEvent, Type: "HostFailed", Text: "share-standard-1 failed: no capacity", Host: "share-standard-1"},
		},
		"a tenant's storage, shortly": {
			"StorageReady", `{"tenantId":"acme","database":{"name":"d","host":"h","secretArn":"s"},"share":{"host":"g","path":"/p"}}`,
			News{Kind: NewsEvent, Type: "StorageReady", Text: "acme has its storage", Body: "acme has its storage: database d on h, share g:/p, secret s", Tenant: "acme"},
		},
		"something unknown": {"Later", `{}`, News{Kind: NewsEvent, Type: "Later", Text: "Later {}"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, eventNews(c.detailType, json.RawMessage(c.detail))); diff != "" {
				t.Errorf("news (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewsOfAnAlarmSaysWhatItCameTo(t *testing.T) {
	rings := json.RawMessage(`{"alarmName":"a","state":{"value":"ALARM","reason":"too much."},"previousState":{"value":"OK"}}`)
	if got := alarmNews("CloudWatch Alarm State Change", rings); got.Type != "ALARM" || got.Text != "alarm a rings: too much." {
		t.Errorf("news: %+v", got)
	}
	if got := alarmNews("CloudWatch Alarm Configuration Change", rings); got.Text != "" {
		t.Errorf("a change of its settings is news: %+v", got)
	}
}
