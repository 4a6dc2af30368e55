package page

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/demo"
	"headroom/internal/local/endpoint"
	"headroom/internal/pool"
)

const signupRole = "arn:aws:sts::123456789012:assumed-role/Role/headroom-dev-signup"

func call(service, operation string, params map[string]any) endpoint.Call {
	return endpoint.Call{Service: service, Operation: operation, Principal: signupRole, Params: params}
}

func TestTheWayOfATenantIsWhatNamesIt(t *testing.T) {
	r := newRig(t)
	r.host(share, pool.HostInService, 1, pool.Slot{Index: 1, Generation: 1, State: pool.SlotAssigned, Tenant: "acme", Share: "share-0123"})
	r.tenant("acme", pool.Tenant{
		State: pool.TenantReady, ReadyAt: noon, Share: pool.Holding{Host: share.Host(1), Index: 1, Generation: 1, Name: "p123"},
		History: []pool.Entry{{At: noon, What: "ready", Why: "it is served"}},
	})
	// Before, its share is made, which has its name already; and a host's record names all of its tenants.
	r.page.Called(call("storagegateway", "DescribeNFSFileShares", map[string]any{"FileShareARNList": []any{"arn:aws:storagegateway:::share/share-0123"}}), 200)
	sent := call("sqs", "SendMessage", map[string]any{"QueueUrl": "http://x/1/Headroom-dev-SignupQueueCC6FA29F-N646W24HUMI4", "MessageBody": `{"tenantId":"acme"}`})
	sent.Principal = ""
	r.page.Called(sent, 200)
	r.page.Called(call("dynamodb", "UpdateItem", map[string]any{"Key": map[string]any{"pk": map[string]any{"S": "TENANT#acme"}}}), 200)
	r.page.Called(call("dynamodb", "UpdateItem", map[string]any{"Key": map[string]any{"pk": map[string]any{"S": "TENANT#acme"}}}), 200) // tried again
	r.page.Called(call("dynamodb", "UpdateItem", map[string]any{"Key": map[string]any{"pk": map[string]any{"S": "TENANT#acme-2"}}}), 200)
	r.page.Called(call("dynamodb", "PutItem", map[string]any{"Item": map[string]any{"pk": map[string]any{"S": "HOST#share-standard-1"}, "slots": map[string]any{"S": "acme"}}}), 200)
	r.page.Called(call("storagegateway", "UpdateNFSFileShare", map[string]any{"FileShareARN": "arn:aws:storagegateway:::share/share-0123"}), 200)
	r.page.Called(call("ec2", "AuthorizeSecurityGroupIngress", map[string]any{"CidrIp": "127.0.0.9/32"}), 403)
	r.page.Called(call("ec2", "AuthorizeSecurityGroupIngress", map[string]any{"CidrIp": "127.0.0.90/32"}), 200)
	r.page.Called(call("sqs", "ReceiveMessage", map[string]any{"QueueUrl": "acme"}), 200)
	r.page.Logged("headroom-dev-signup", `{"level":"INFO","message":"storage ready","tenant":"acme"}`)
	r.page.Tell(demo.News{Kind: demo.NewsEvent, Type: "StorageReady", Tenant: "acme"})

	var got tenantDetail
	r.get("/api/tenants/acme", 200, &got)
	var way []string
	for _, s := range got.Way {
		line := strings.Join([]string{s.Who, s.Where, s.What}, "|")
		if s.Failed {
			line += "|failed"
		}
		way = append(way, line)
	}
	want := []string{
		"customer|SQS|SendMessage to SignupQueue", "signup|DynamoDB|UpdateItem TENANT#acme", "signup|Storage Gateway|UpdateNFSFileShare",
		"signup|EC2|AuthorizeSecurityGroupIngress|failed", "signup|log|storage ready", "Headroom|event|StorageReady",
	}
	if diff := cmp.Diff(want, way); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]historyLine{{noon.UnixMilli(), "ready", "it is served"}}, got.History); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	r.get("/api/tenants/nobody", 404, nil)
}

func TestNoSecretIsKept(t *testing.T) {
	r := newRig(t)
	r.tenant("acme", pool.Tenant{State: pool.TenantReady, ReadyAt: noon})
	r.page.Called(call("secretsmanager", "CreateSecret", map[string]any{"Name": "headroom/dev/tenant/acme/1", "SecretString": `{"password":"hunter2"}`}), 200)
	got := r.get("/api/tenants/acme", 200, nil)
	if !strings.Contains(got, "CreateSecret") || strings.Contains(got, "hunter2") {
		t.Errorf("the way of a tenant with a secret: %s", got)
	}
	kept, _ := r.page.ways.after(0)
	for _, s := range kept {
		if strings.Contains(s.text, "hunter2") {
			t.Errorf("a secret is kept: %q", s.text)
		}
	}
	if strings.Contains(r.get("/api/state", 200, nil), "hunter2") {
		t.Error("a secret is in the state")
	}
}

func TestANameIsMentionedAsAWhole(t *testing.T) {
	for text, want := range map[string]bool{
		"acme": true, "TENANT#acme": true, "x/acme/y": true, `{"a":"acme"}`: true, "acme-2 acme": true,
		"acme-2": false, "acmes": false, "my_acme": false, "": false, "acm": false,
	} {
		if got := mentions(text, "acme"); got != want {
			t.Errorf("%q mentions acme: %t", text, got)
		}
	}
	if mentions("anything", "") {
		t.Error("no name is mentioned")
	}
}
