package appliance

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// Hold makes sure that nobody has the ports of an address, and keeps others off it until Release:
// other clouds on the same computer choose from the same addresses.
func (f *Fleet) Hold(address netip.Addr) error {
	at := netip.AddrPortFrom(address, uint16(f.cfg.NFSPort))
	held, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return fmt.Errorf("hold %s: %w", at, err)
	}
	for _, port := range []int{f.cfg.ActivationPort, f.cfg.NFSPort} {
		listener, err := listen(address, port)
		if err != nil {
			_ = held.Close()
			return err
		}
		_ = listener.Close()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held[address] = held
	return nil
}

// Release lets others have an address again.
func (f *Fleet) Release(address netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if held, ok := f.held[address]; ok {
		_ = held.Close()
		delete(f.held, address)
	}
}

// listen opens a TCP port of an address.
func listen(address netip.Addr, port int) (net.Listener, error) {
	at := netip.AddrPortFrom(address, uint16(port))
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", at.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return listener, nil
}
