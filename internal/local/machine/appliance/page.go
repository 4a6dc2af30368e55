package appliance

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The port of the activation page as security groups know it, wherever it is locally.
const activationPort = 80

// servePage answers activation requests until the listener is closed.
func (a *Appliance) servePage(listener net.Listener) {
	server := &http.Server{
		Handler:           http.HandlerFunc(a.activationPage),
		ReadHeaderTimeout: 5 * time.Second,
	}
	err := server.Serve(&gate{Listener: listener, permits: func(from netip.Addr) bool {
		return a.machine.Permits(activationPort, from)
	}})
	if err != nil && !errors.Is(err, net.ErrClosed) {
		a.cfg.Log.Warn("activation page ended", "address", a.machine.Address, "error", err)
	}
	// The answer to the very request that brought the activation may still be on its way.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = server.Shutdown(ctx)
}

// activationPage gives out a key: in the redirect's Location, or in the body for who asks for that. The
// real one has its keys from Storage Gateway, so there is none as long as it does not reach that.
func (a *Appliance) activationPage(w http.ResponseWriter, r *http.Request) {
	if a.stuck() {
		return
	}
	if r.URL.Path == "/migrate" {
		a.migratePage(w, r)
		return
	}
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	region := r.URL.Query().Get("activationRegion")
	if region == "" {
		region = "us-east-1"
	}
	endpoint := r.URL.Query().Get("vpcEndpoint")
	key, ok := a.newKey(region, endpoint)
	if !ok || !a.cfg.Reaches(endpoint) {
		http.Error(w, "Gateway Time-out", http.StatusGatewayTimeout)
		return
	}
	if r.URL.Query().Has("no_redirect") {
		_, _ = w.Write([]byte(key))
		return
	}
	target := url.URL{
		Scheme: "https", Host: "console.aws.amazon.com", Path: "/storagegateway/register",
		RawQuery: url.Values{"gatewayType": {"FILE_S3"}, "activationKey": {key}}.Encode(),
	}
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusFound)
}

// gate is a listener that closes connections from addresses that the security groups don't let in.
// (The real thing drops their packets: the caller waits for nothing. A refusal at once is a harder
// and a quicker answer.)
type gate struct {
	net.Listener
	permits func(netip.Addr) bool
}

func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g.permits(remote(conn)) {
			return conn, nil
		}
		refuse(conn)
	}
}

// refuse ends a connection with a reset, so that nobody takes it for an orderly end.
func refuse(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// remote is the address that a connection comes from.
func remote(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
