package parts

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed fauxqs.mjs
var fauxqsLauncher []byte

// Fauxqs starts the server of SQS and SNS. What it holds is in memory.
func Fauxqs(ctx context.Context, o Options) (*Part, error) {
	modules, err := filepath.Abs(o.Modules)
	if err != nil {
		return nil, fmt.Errorf("find fauxqs: %w", err)
	}
	launcher := filepath.Join(o.Dir, "fauxqs.mjs")
	if err := os.WriteFile(launcher, fauxqsLauncher, 0o600); err != nil {
		return nil, fmt.Errorf("write fauxqs's launcher: %w", err)
	}
	origin, speed, _ := strings.Cut(o.Clock.String(), " ")
	cmd := exec.Command("node", launcher)
	cmd.Env = append(os.Environ(), "MODULES="+modules, "ACCOUNT="+o.Account, "REGION="+o.Region,
		"ORIGIN="+origin, "SPEED="+speed)
	reader, writer := io.Pipe()
	cmd.Stdout = writer
	return launch(ctx, "fauxqs", o, cmd, func(ctx context.Context, p *Process) (*url.URL, error) {
		go func() {
			<-p.Done()
			_ = writer.Close()
		}()
		return announced(ctx, p, reader)
	})
}

// announced reads the address that the launcher prints when it listens; more output is let go.
func announced(ctx context.Context, p *Process, output io.Reader) (*url.URL, error) {
	lines := make(chan string, 1)
	go func() {
		buffered := bufio.NewReader(output)
		if line, err := buffered.ReadString('\n'); err == nil {
			lines <- strings.TrimSpace(line)
		}
		_, _ = io.Copy(io.Discard, buffered)
	}()
	select {
	case line := <-lines:
		return url.Parse(line)
	case <-p.Done():
		return nil, fmt.Errorf("it ended early: %w", p.Err())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
