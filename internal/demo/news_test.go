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
	const change = "CloudWatch Alarm State Change"
	for name, c := range map[string]struct {
		detailType, detail string
		want               News
	}{
		"it rings": {
			change, `{"alarmName":"a","state":{"value":"ALARM","reason":"6 > 5."},"previousState":{"value":"OK"},"configuration":{"description":"It is deep."}}`,
			News{Kind: NewsAlarm, Type: "ALARM", Text: "alarm a rings: It is deep.", Body: "alarm a rings: 6 > 5. It is deep."},
		},
		"it is over": {
			change, `{"alarmName":"a","state":{"value":"OK","reason":"4 < 5."},"previousState":{"value":"ALARM"}}`,
			News{Kind: NewsAlarm, Type: "OK", Text: "alarm a is over", Body: "alarm a is over: 4 < 5."},
		},
		"it begins":        {change, `{"alarmName":"a","state":{"value":"OK"},"previousState":{"value":"INSUFFICIENT_DATA"}}`, News{Kind: NewsAlarm, Type: "OK"}},
		"another settings": {"CloudWatch Alarm Configuration Change", `{"alarmName":"a","state":{"value":"ALARM"}}`, News{Kind: NewsAlarm, Type: "ALARM"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, alarmNews(c.detailType, json.RawMessage(c.detail))); diff != "" {
				t.Errorf("news (-want +got):\n%s", diff)
			}
		})
	}
}
