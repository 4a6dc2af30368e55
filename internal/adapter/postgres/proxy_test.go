package postgres

import (
	"io"
	"net"
	"strconv"
	"testing"
)

// proxy makes a server that listens on one address answer on another, same port.
func proxy(t *testing.T, from string, port int, to string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(from, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(client, net.JoinHostPort(to, strconv.Itoa(port)))
		}
	}()
}

func forward(client net.Conn, address string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() { _, _ = io.Copy(server, client) }()
	_, _ = io.Copy(client, server)
}
