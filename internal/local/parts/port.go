package parts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports below those that the kernel gives to outgoing connections (Linux: 32768 and up): a port from
// there could be taken by one before the server that is to have it listens.
const (
	firstPort = 10000
	lastPort  = 32000
)

// FreePort finds a loopback port that nothing listens on just now. It is drawn at random, so that
// tests that run at the same time do not all find the same.
func FreePort() (int, error) {
	var errs []error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
		errs = append(errs, err)
	}
	return 0, fmt.Errorf("find a free port: %w", errors.Join(errs...))
}
