package demo

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"headroom/events"
)

// fakeCloud answers what a Crowd asks: it takes signups, and has a policy and a secret for each name.
type fakeCloud struct {
	endpoint   string
	hear       func(detailType string, detail json.RawMessage, at time.Time)
	log        func(line string)
	operations func(line string)
}

func newFakeCloud(t *testing.T, policy string) *fakeCloud {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ MessageBody, SecretId string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Errorf("read a request: %v", err)
		}
		answer := map[string]any{}
		switch target := r.Header.Get("X-Amz-Target"); target {
		case "AmazonSSM.GetParameter":
			answer["Parameter"] = map[string]any{"Value": policy}
		case "AmazonSQS.SendMessage":
			sum := md5.Sum([]byte(in.MessageBody))
			answer["MessageId"], answer["MD5OfMessageBody"] = "1", hex.EncodeToString(sum[:])
		case "secretsmanager.GetSecretValue":
			answer["SecretString"] = fmt.Sprintf(`{"username":"user of %s"}`, in.SecretId)
		default:
			t.Errorf("%s is asked for", target)
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return &fakeCloud{endpoint: server.URL}
}

func (c *fakeCloud) AWS() aws.Config {
	return aws.Config{Region: "eu-west-1", BaseEndpoint: &c.endpoint, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
}

func (c *fakeCloud) Output(name string) (string, error)                             { return c.endpoint + "/" + name, nil }
func (c *fakeCloud) Subscribe(_ string, f func(string, json.RawMessage, time.Time)) { c.hear = f }
func (c *fakeCloud) SubscribeLogs(f func(line string))                              { c.log = f }
func (c *fakeCloud) Operations(say func(line string))                               { c.operations = say }
func (c *fakeCloud) News(func(News))                                                {}
func (c *fakeCloud) Strain(string, bool) error                                      { return nil }
func (c *fakeCloud) Resolve(string) (netip.Addr, error)                             { return netip.Addr{}, nil }
func (c *fakeCloud) DatabaseCA() []byte                                             { return nil }

// ready says that a tenant has its storage.
func (c *fakeCloud) ready(t *testing.T, id string) {
	t.Helper()
	detail, err := json.Marshal(events.StorageReady{TenantID: id, Database: events.Database{SecretARN: id}})
	if err != nil {
		t.Fatal(err)
	}
	c.hear(events.StorageReady{}.DetailType(), detail, time.Time{})
}

func TestTenantsComeInTheOrderInWhichTheySignedUp(t *testing.T) {
	cloud := newFakeCloud(t, "")
	crowd, err := NewCrowd(cloud, "standard")
	if err != nil {
		t.Fatal(err)
	}
	order := []string{"lumen", "acme", "birch", "acme-2"}
	for i, id := range append(order, "lumen") { // who signs up again keeps its place
		if err := crowd.SignUp(t.Context(), id, Instance(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"acme-2", "birch", "lumen", "acme"} {
		cloud.ready(t, id)
	}
	tenants, err := crowd.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range order {
		if tenants[i].ID != id || tenants[i].credentials.Username != "user of "+id {
			t.Errorf("tenant %d is %s with the credentials of %q, want %s", i, tenants[i].ID, tenants[i].credentials.Username, id)
		}
	}
}

func TestARunForATierThatIsNotThereIsRefusedBeforeAnybodySignsUp(t *testing.T) {
	cloud := newFakeCloud(t, policyDocument)
	p, out := narrow(0, false)
	_, err := Run(context.Background(), cloud, Options{Tier: "gold", Signups: 1}, p)
	if want := "the deployed policy has no such tier; it has silver, standard"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if out.Len() > 0 {
		t.Errorf("it printed %s", out)
	}
	for _, tier := range []string{"standard", "silver"} {
		if err := checkTier(t.Context(), cloud, tier); err != nil {
			t.Errorf("tier %s: %v", tier, err)
		}
	}
}
