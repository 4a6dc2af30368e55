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

// portAttempts bounds how often another port is tried when somebody else was quicker.
const portAttempts = 3

// Dynoxide starts the DynamoDB server. Its tables are in memory.
func Dynoxide(ctx context.Context, o Options) (part *Part, err error) {
	for range portAttempts {
		if part, err = dynoxide(ctx, o); err == nil || ctx.Err() != nil {
			break
		}
	}
	return part, err
}

func dynoxide(ctx context.Context, o Options) (*Part, error) {
	port, err := FreePort()
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

// settled is how long a process must live on once its port accepts connections.
const settled = 50 * time.Millisecond

// accepting waits until something accepts connections at address, or the process has ended.
func accepting(ctx context.Context, address string, p *Process) error {
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			// It may be somebody else's: then the process finds the port taken, and ends.
			select {
			case <-p.Done():
				return fmt.Errorf("it ended early: %w", p.Err())
			case <-ctx.Done():
				return fmt.Errorf("wait for it to settle: %w", ctx.Err())
			case <-time.After(settled):
				return nil
			}
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it ended early: %w", p.Err())
		case <-ctx.Done():
			return fmt.Errorf("connect to %s: %w (%w)", address, err, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// nodePlatform names this machine as npm packages do.
func nodePlatform() string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return runtime.GOOS + "-" + arch
}
