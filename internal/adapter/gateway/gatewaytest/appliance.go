package gatewaytest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Appliance is a gateway's machine: its activation page.
type Appliance struct {
	mu      sync.Mutex
	key     string
	refusal int // requests that are answered with 504 first
	inBody  bool
	gone    bool
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

// ServeHTTP answers as the appliance does.
func (a *Appliance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	region := r.URL.Query().Get("activationRegion")
	switch {
	case a.gone || region == "":
		http.NotFound(w, r)
	case a.refusal > 0:
		a.refusal--
		w.WriteHeader(http.StatusGatewayTimeout)
	case a.inBody:
		fmt.Fprintln(w, a.key)
	default:
		w.Header().Set("Location", "https://console.aws.amazon.com/storagegateway/?activationRegion="+region+"&activationKey="+a.key)
		w.WriteHeader(http.StatusFound)
	}
}
