package parts

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// Dynoxide starts the DynamoDB server. Its tables are in memory.
func Dynoxide(ctx context.Context, o Options) (*Part, error) {
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("find a port for dynoxide: %w", err)
	}
	binary := filepath.Join(o.Modules, "@dynoxide", nodePlatform(), "dynoxide")
	cmd := exec.Command(binary, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return launch(ctx, "dynoxide", o, cmd, func(ctx context.Context, p *Process) (*url.URL, error) {
		return &url.URL{Scheme: "http", Host: address}, accepting(ctx, address, p)
	})
}

// accepting waits until something accepts connections at address, or the process has ended.
func accepting(ctx context.Context, address string, p *Process) error {
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it ended early: %w", p.Err())
		case <-ctx.Done():
			return fmt.Errorf("connect to %s: %w", address, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// freePort finds a loopback port that nothing listens on just now.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// nodePlatform names this machine as npm packages do.
func nodePlatform() string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return runtime.GOOS + "-" + arch
}
