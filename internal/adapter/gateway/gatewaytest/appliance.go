package gatewaytest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Appliance is a gateway's machine: its page, by which it is activated or takes over a gateway.
type Appliance struct {
	mu      sync.Mutex
	key     string
	refusal int // requests that are answered with 504 first
	inBody  bool
	disks   string // ID of the gateway of which it has the disks
	taken   bool   // it has taken over a gateway
}

// NewAppliance is an appliance that gives key once it answered boot requests with 504. inBody says
// that it gives the key in the body, as newer ones do, and not in a redirect.
func NewAppliance(key string, boot int, inBody bool) *Appliance {
	return &Appliance{key: key, refusal: boot, inBody: inBody}
}

// Serve serves the activation page on a loopback port, and returns its host and port.
func (a *Appliance) Serve() (host, port string, stop func()) {
	server := httptest.NewServer(a)
	host, port, _ = strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	return host, port, server.Close
}

// Hold gives the appliance the old root and the cache disks of a gateway, all of them.
func (a *Appliance) Hold(gatewayID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.disks = gatewayID
}

// Imported is the ID of the gateway that the appliance has taken over; empty: none.
func (a *Appliance) Imported() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.taken {
		return ""
	}
	return a.disks
}

// ServeHTTP answers as the appliance does.
func (a *Appliance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	region := r.URL.Query().Get("activationRegion")
	switch {
	case a.refusal > 0:
		a.refusal--
		w.WriteHeader(http.StatusGatewayTimeout)
	case r.URL.Path == "/migrate":
		a.migrate(w, r.URL.Query().Get("gatewayId"))
	case region == "":
		http.NotFound(w, r)
	case a.inBody:
		fmt.Fprintln(w, a.key)
	default:
		w.Header().Set("Location", "https://console.aws.amazon.com/storagegateway/?activationRegion="+region+"&activationKey="+a.key)
		w.WriteHeader(http.StatusFound)
	}
}

// migrate answers the request for an import. How a refusal looks is not documented, but that it names disks.
func (a *Appliance) migrate(w http.ResponseWriter, gatewayID string) {
	switch {
	case a.taken:
		http.Error(w, "<html><body>Failed to import: the appliance is not new</body></html>", http.StatusBadRequest)
	case a.disks == "" || a.disks != gatewayID:
		http.Error(w, "<html><body>Failed to import:\n cache disk count mismatch</body></html>", http.StatusBadRequest)
	default:
		a.taken = true
		fmt.Fprintln(w, "<html><body>Successfully imported Storage Gateway information.</body></html>")
	}
}
