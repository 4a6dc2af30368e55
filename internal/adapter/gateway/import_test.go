package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/pool"
)

const gatewayID = "sgw-12A3456B"

func TestAnApplianceTakesOverAGateway(t *testing.T) {
	appliance := gatewaytest.NewAppliance(key, 1, false)
	host, port, stop := appliance.Serve()
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	a := &Appliances{Region: "eu-west-1", Port: number}
	if err := a.Import(t.Context(), host, gatewayID); !errors.Is(err, pool.ErrBooting) {
		t.Errorf("while it boots: %v", err)
	}
	err = a.Import(t.Context(), host, gatewayID)
	if !errors.Is(err, pool.ErrRefused) || errors.Is(err, pool.ErrBooting) || !strings.HasSuffix(err.Error(), "status 400: Failed to import: cache disk count mismatch") {
		t.Errorf("without its disks: %v", err)
	}
	appliance.Hold("sgw-FFFFFFFF")
	if err := a.Import(t.Context(), host, gatewayID); !errors.Is(err, pool.ErrRefused) || appliance.Imported() != "" {
		t.Errorf("with the disks of another: %v", err)
	}
	appliance.Hold(gatewayID)
	if err := a.Import(t.Context(), host, gatewayID); err != nil || appliance.Imported() != gatewayID {
		t.Errorf("with its disks: %v; imported %q", err, appliance.Imported())
	}
	if err := a.Import(t.Context(), host, gatewayID); !errors.Is(err, pool.ErrRefused) {
		t.Errorf("again: %v", err)
	}
	stop()
	if err := a.Import(t.Context(), host, gatewayID); !errors.Is(err, pool.ErrBooting) {
		t.Errorf("while it is down: %v", err)
	}
}

func TestOnlyAnIDIsAskedFor(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, imported)
	}))
	defer server.Close()
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	for _, id := range []string{
		"", "sgw-", "sgw-12a3456b", "12A3456B", gatewayID + "&activationRegion=eu-west-1", gatewayID + " ", " " + gatewayID, gatewayID + "\n",
		"sgw-12A3456B#", "arn:aws:storagegateway:eu-west-1:123456789012:gateway/" + gatewayID,
	} {
		err := (&Appliances{Port: int(at.Port())}).Import(t.Context(), at.Addr().String(), id)
		if err == nil || errors.Is(err, pool.ErrBooting) || errors.Is(err, pool.ErrRefused) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestWhatAnApplianceAnswersIsToldApart(t *testing.T) {
	long := strings.Repeat("no ", 1000)
	for _, test := range []struct {
		name, location, body string
		status               int
		want                 error  // nil: it is imported
		says                 string // at the end of the error
	}{
		{name: "done", status: http.StatusOK, body: "<p>" + imported + "</p>"},
		{name: "done, behind much else", status: http.StatusOK, body: strings.Repeat(" ", 60_000) + imported},
		{name: "a gateway timeout", status: http.StatusGatewayTimeout, body: "<h1>504 Gateway Time-out</h1>", want: pool.ErrBooting, says: "504 504 Gateway Time-out"},
		{name: "an error inside, whatever it says", status: http.StatusInternalServerError, body: imported, want: pool.ErrBooting},
		{name: "nothing", status: http.StatusOK, want: pool.ErrBooting},
		{name: "a refusal with a good status", status: http.StatusOK, body: "cache disk count mismatch", want: pool.ErrRefused, says: "cache disk count mismatch"},
		{name: "the right words with a wrong status", status: http.StatusBadRequest, body: imported, want: pool.ErrRefused},
		{name: "half of the words", status: http.StatusOK, body: "Successfully imported", want: pool.ErrRefused},
		{name: "words that are too late", status: http.StatusOK, body: strings.Repeat("x", importBodyMax) + imported, want: pool.ErrRefused},
		{name: "no such page", status: http.StatusNotFound, body: "404 page not found", want: pool.ErrRefused, says: "404: 404 page not found"},
		{name: "another page", status: http.StatusFound, location: "/done", want: pool.ErrRefused},
		{name: "control characters", status: http.StatusBadRequest, body: "a\x1b[31m\x00b\xffc\r\n<script>d</script>", want: pool.ErrRefused, says: "400: a [31m b?c d"},
		{name: "a long refusal", status: http.StatusBadRequest, body: long, want: pool.ErrRefused, says: "400: " + long[:saidMax] + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/done" {
					_, _ = io.WriteString(w, imported)
					return
				}
				if r.Method != http.MethodGet || r.URL.String() != "/migrate?gatewayId="+gatewayID {
					t.Errorf("asked %s %s", r.Method, r.URL)
				}
				if test.location != "" {
					w.Header().Set("Location", test.location)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			at := netip.MustParseAddrPort(server.Listener.Addr().String())
			err := (&Appliances{Port: int(at.Port())}).Import(t.Context(), at.Addr().String(), gatewayID)
			if !errors.Is(err, test.want) || err != nil && !strings.HasSuffix(err.Error(), test.says) {
				t.Errorf("%v, want %v: %s", err, test.want, test.says)
			}
		})
	}
}
