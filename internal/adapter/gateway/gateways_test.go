package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/pool"
)

const key = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"

func TestTheActivationKeyIsReadFromTheAppliance(t *testing.T) {
	tests := []struct {
		name   string
		inBody bool
	}{{"in a redirect", false}, {"in the body", true}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			host, port, stop := gatewaytest.NewAppliance(key, 1, test.inBody).Serve()
			number, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			a := &Appliances{Region: "eu-west-1", Port: number}
			if _, err := a.Key(t.Context(), host); !errors.Is(err, pool.ErrBooting) {
				t.Errorf("while it boots: %v", err)
			}
			if got, err := a.Key(t.Context(), host); err != nil || got != key {
				t.Errorf("key %q, %v", got, err)
			}
			stop()
			if _, err := a.Key(t.Context(), host); !errors.Is(err, pool.ErrBooting) {
				t.Errorf("while it is down: %v", err)
			}
		})
	}
}

func TestTheApplianceIsToldOfItsEndpoint(t *testing.T) {
	for _, endpoint := range []string{"", "vpce-1.storagegateway.eu-west-1.vpce.amazonaws.com"} {
		var asked url.Values
		page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Query()
			_, _ = io.WriteString(w, key)
		}))
		defer page.Close()
		at := netip.MustParseAddrPort(page.Listener.Addr().String())
		if _, err := (&Appliances{Region: "eu-west-1", Port: int(at.Port()), Endpoint: endpoint}).Key(t.Context(), at.Addr().String()); err != nil {
			t.Error(err)
		}
		if asked.Get("vpcEndpoint") != endpoint || asked.Has("vpcEndpoint") != (endpoint != "") || asked.Get("activationRegion") != "eu-west-1" {
			t.Errorf("asked with %v", asked)
		}
	}
}

func TestAnAnswerWithoutAKeyIsOfAnApplianceThatBoots(t *testing.T) {
	tests := []struct {
		name, location, body string
		status               int
		booting              bool
	}{
		{name: "a gateway timeout", status: http.StatusGatewayTimeout, booting: true},
		{name: "a bad gateway", status: http.StatusBadGateway, booting: true},
		{name: "a service that is not up", status: http.StatusServiceUnavailable, booting: true},
		{name: "an error inside", status: http.StatusInternalServerError, booting: true},
		{name: "a page", status: http.StatusOK, body: "<html>Starting</html>", booting: true},
		{name: "nothing", status: http.StatusOK, booting: true},
		{name: "unless it is a refusal", status: http.StatusForbidden},
		{name: "unless it leads elsewhere", status: http.StatusFound, location: "https://example.com/?errorType=x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if test.location != "" {
					w.Header().Set("Location", test.location)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			at := netip.MustParseAddrPort(server.Listener.Addr().String())
			_, err := (&Appliances{Region: "eu-west-1", Port: int(at.Port())}).Key(t.Context(), at.Addr().String())
			if err == nil || errors.Is(err, pool.ErrBooting) != test.booting {
				t.Errorf("error %v, want one of an appliance that boots: %v", err, test.booting)
			}
		})
	}
}

// until repeats f while it gives one of the errors that mean later.
func until(t *testing.T, f func() error) {
	t.Helper()
	for range 50 {
		err := f()
		if err == nil {
			return
		}
		if !errors.Is(err, pool.ErrUnreachable) && !errors.Is(err, pool.ErrNoDisk) && !errors.Is(err, pool.ErrNotFound) {
			t.Fatal(err)
		}
	}
	t.Fatal("never ready")
}

func ready(t *testing.T, late int) (*Gateways, *gatewaytest.Service, string) {
	t.Helper()
	fake := &gatewaytest.Service{Late: late, Keys: map[string]bool{key: true}}
	g := &Gateways{Client: fake, Region: "eu-west-1"}
	arn, err := g.Activate(t.Context(), key, "gateway-1", ours)
	if err != nil {
		t.Fatal(err)
	}
	until(t, func() error { return g.Running(t.Context(), arn) })
	until(t, func() error { return g.AddCache(t.Context(), arn) })
	return g, fake, arn
}

// TestAStateOfAGatewayIsAnyWord has gateways be in states that are known, that are in AWS's example, and that nobody has heard of:
// only what is known to be bad is.
func TestAStateOfAGatewayIsAnyWord(t *testing.T) {
	g, fake, arn := ready(t, 0)
	for state, bad := range map[string]bool{
		"RUNNING": false, "STATE_RUNNING": false, "ACTIVE": false, "UPDATING": false, "STATE_OF_NEXT_YEAR": false, "running": false,
		"OFFLINE": true, "SHUTDOWN": true, "STATE_SHUTDOWN": true, "STATE_OFFLINE": true,
	} {
		fake.Says(arn, state)
		if err := g.Running(t.Context(), arn); errors.Is(err, pool.ErrUnreachable) != bad || err != nil && !bad {
			t.Errorf("of one that is %s: %v", state, err)
		}
	}
}

func TestAGatewayIsActivatedOnceAndFound(t *testing.T) {
	g, fake, arn := ready(t, 2)
	if _, err := g.Activate(t.Context(), key, "gateway-2", nil); !errors.Is(err, pool.ErrKey) {
		t.Errorf("the key was good twice: %v", err)
	}
	fake.Keys["another-activation-key"] = true
	if _, err := g.Activate(t.Context(), "another-activation-key", "gateway-2", nil); err != nil {
		t.Fatal(err)
	}
	var found string
	until(t, func() (err error) { found, err = g.Find(t.Context(), "gateway-1", mark); return err })
	if found != arn {
		t.Errorf("found %s", found)
	}
	if _, err := g.Find(t.Context(), "gateway-3", mark); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("found one that is not there: %v", err)
	}
}

func TestTheCacheIsAddedOnce(t *testing.T) {
	g, fake, arn := ready(t, 1)
	if err := g.AddCache(t.Context(), arn); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if !fake.Gateways()[0].Cached {
		t.Error("no cache")
	}
}

// mute is a Storage Gateway that holds calls about gateways, and about disks, until their time is over.
type mute struct{ *gatewaytest.Service }

func (mute) DescribeGatewayInformation(context.Context, *storagegateway.DescribeGatewayInformationInput, ...func(*storagegateway.Options)) (*storagegateway.DescribeGatewayInformationOutput, error) {
	return nil, os.ErrDeadlineExceeded
}

func (mute) ListGateways(context.Context, *storagegateway.ListGatewaysInput, ...func(*storagegateway.Options)) (*storagegateway.ListGatewaysOutput, error) {
	return nil, os.ErrDeadlineExceeded
}

func (mute) ListLocalDisks(context.Context, *storagegateway.ListLocalDisksInput, ...func(*storagegateway.Options)) (*storagegateway.ListLocalDisksOutput, error) {
	return nil, os.ErrDeadlineExceeded
}

func TestACallThatIsHeldMeansLater(t *testing.T) {
	g := &Gateways{Client: mute{&gatewaytest.Service{}}, Region: "eu-west-1"}
	for name, err := range map[string]error{
		"look":  g.Running(t.Context(), "arn"),
		"cache": g.AddCache(t.Context(), "arn"),
		"find":  func() error { _, err := g.Find(t.Context(), "gateway-1", mark); return err }(),
	} {
		if !errors.Is(err, pool.ErrUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSharesAreCreatedOnceAndBecomeAvailable(t *testing.T) {
	g, fake, arn := ready(t, 2)
	share := pool.ShareSpec{
		Token: "share-standard-1/1", Gateway: arn, Bucket: "arn:aws:s3:::bucket-1", Role: "arn:aws:iam::123456789012:role/r",
		Name: "x7", Key: "arn:aws:kms:eu-west-1:123456789012:key/k", Clients: []string{"192.0.2.1/32"}, Tags: map[string]string{"State": "Available"},
	}
	var created string
	until(t, func() (err error) { created, err = g.CreateShare(t.Context(), share); return err })
	again, err := g.CreateShare(t.Context(), share)
	if err != nil || again != created || len(fake.Shares()) != 1 {
		t.Errorf("again: %s, %v", again, err)
	}
	looks := 0
	for ; ; looks++ {
		status, err := g.Shares(t.Context(), arn, []string{created, "share-UNKNOWN0"})
		if err != nil {
			t.Fatal(err)
		}
		if len(status) > 1 {
			t.Fatalf("status %v", status)
		}
		if status[created] == pool.ShareAvailable {
			break
		}
		if looks > 10 {
			t.Fatal("never available")
		}
	}
	if looks == 0 {
		t.Error("available at once")
	}
	ref := pool.ShareRef{Gateway: arn, ID: created}
	if err := g.SetClients(t.Context(), ref, []string{"10.0.0.7/32"}); err != nil {
		t.Fatal(err)
	}
	for looks = 0; looks < 10; looks++ {
		serves, err := g.Serves(t.Context(), ref, []string{"10.0.0.7/32"})
		if err != nil {
			t.Fatal(err)
		}
		if serves {
			break
		}
	}
	if looks != 3 { // one that shows the old clients as available, two while it is updated
		t.Errorf("it serves its new client after %d looks", looks)
	}
	if err := g.Tag(t.Context(), ref, map[string]string{"State": "Assigned"}); err != nil {
		t.Fatal(err)
	}
	got := fake.Shares()[0]
	if got.ID != created {
		t.Errorf("created %s, and returned %s", got.ID, created)
	}
	if !slices.Equal(got.Clients, []string{"10.0.0.7/32"}) || got.Tags["State"] != "Assigned" || got.Role != share.Role {
		t.Errorf("%+v", got)
	}
}

func TestTheARNOfAShareIsMadeOfItsGatewayAndID(t *testing.T) {
	arn := shareARN(pool.ShareRef{Gateway: "arn:aws:storagegateway:eu-central-1:123456789012:gateway/sgw-12A3456B", ID: "share-AB12CD34"})
	if want := "arn:aws:storagegateway:eu-central-1:123456789012:share/share-AB12CD34"; arn != want {
		t.Errorf("ARN %s, want %s", arn, want)
	}
	if id := shareID(arn); id != "share-AB12CD34" {
		t.Errorf("ID %s", id)
	}
}

func TestClientListsAreNeverEmptyNorWide(t *testing.T) {
	many := slices.Repeat([]string{"10.0.0.7"}, 101)
	tests := []struct {
		name    string
		clients []string
		ok      bool
	}{
		{"one address", []string{"10.0.0.7"}, true},
		{"one address as a network", []string{"10.0.0.7/32"}, true},
		{"several addresses", []string{"10.0.0.7", "10.0.0.8/32"}, true},
		{"the address that nobody has", []string{"192.0.2.1/32"}, true},
		{"loopback", []string{"127.10.0.3/32"}, true},
		{"none", nil, false},
		{"an empty one", []string{""}, false},
		{"everybody", []string{"0.0.0.0/0"}, false},
		{"everybody, beside a good one", []string{"10.0.0.7", "0.0.0.0/0"}, false},
		{"a network", []string{"10.0.0.0/31"}, false},
		{"unspecified", []string{"0.0.0.0"}, false},
		{"multicast", []string{"224.0.0.1"}, false},
		{"broadcast", []string{"255.255.255.255"}, false},
		{"link-local", []string{"169.254.169.254"}, false},
		{"IPv6", []string{"2001:db8::1"}, false},
		{"IPv4 in IPv6", []string{"::ffff:10.0.0.7"}, false},
		{"a name", []string{"localhost"}, false},
		{"too many", many, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := &gatewaytest.Service{}
			g := &Gateways{Client: fake}
			err := g.SetClients(t.Context(), pool.ShareRef{Gateway: "arn", ID: "share"}, test.clients)
			if refused := errors.Is(err, ErrClients); refused == test.ok {
				t.Errorf("set: %v", err)
			}
			_, err = g.CreateShare(t.Context(), pool.ShareSpec{Clients: test.clients})
			if refused := errors.Is(err, ErrClients); refused == test.ok {
				t.Errorf("create: %v", err)
			}
		})
	}
}
