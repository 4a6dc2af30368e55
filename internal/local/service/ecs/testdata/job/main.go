// Command job is a task of tests: it does what its arguments say, one after the other, and says what it saw.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"headroom/internal/local/nfsclient"
)

func main() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	args := os.Args[1:]
	if len(args) == 0 { // it is told by the environment, as Headroom's tasks are
		args = strings.Fields(os.Getenv("HEADROOM_JOB"))
	}
	for _, arg := range args {
		verb, value, _ := strings.Cut(arg, "=")
		switch verb {
		case "say":
			fmt.Println(os.ExpandEnv(value))
		case "read": // a file of the image
			content, err := os.ReadFile(value)
			fmt.Println(string(content), err)
		case "get": // an address that a variable holds, and what follows it
			variable, path, _ := strings.Cut(value, "/")
			response, err := http.Get(strings.TrimSuffix(os.Getenv(variable)+"/"+path, "/"))
			if err != nil {
				fmt.Println("get:", err)
				continue
			}
			body, _ := io.ReadAll(response.Body)
			fmt.Println(variable, response.StatusCode, string(body))
		case "dial": // a server, from an address
			to, from, _ := strings.Cut(value, ",")
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			conn, err := dialer.Dial("tcp", to)
			fmt.Println("dial:", err)
			if err == nil {
				_ = conn.Close()
			}
		case "run": // a program of the image
			program, argument, _ := strings.Cut(value, ",")
			output, err := exec.Command(program, argument).CombinedOutput()
			fmt.Println(strings.TrimSpace(string(output)), err)
		case "fill": // the disk with so many bytes
			size, _ := strconv.Atoi(value)
			err := os.WriteFile(filepath.Join(os.TempDir(), "filled"), make([]byte, size), 0o600)
			fmt.Println("filled:", err)
		case "probe": // a file of a share, over NFS, from an address of this task's own, until it can be read
			fmt.Println(probe(strings.Split(value, ",")))
		case "wait": // for SIGTERM
			<-asked
			fmt.Println("asked to end")
		case "hang":
			time.Sleep(time.Hour)
		case "exit":
			code, _ := strconv.Atoi(value)
			fmt.Print("the last line") // that nothing ends
			os.Exit(code)
		}
	}
}

// probe reads a file, named by server, export and name, as soon as it may.
func probe(of []string) string {
	server, err := netip.ParseAddrPort(of[0])
	if err != nil {
		return err.Error()
	}
	own, err := address()
	for end := time.Now().Add(20 * time.Second); err == nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		client, refused := nfsclient.Dial(ctx, server, own, of[1])
		if refused != nil {
			cancel()
			continue
		}
		content, read := client.ReadFile(ctx, of[2])
		_ = client.Close()
		cancel()
		if read == nil {
			return "read: " + string(content)
		}
		err = read
	}
	return fmt.Sprint("not read: ", err)
}

// address is this task's own, as the task metadata endpoint has it.
func address() (netip.Addr, error) {
	response, err := http.Get(os.Getenv("ECS_CONTAINER_METADATA_URI_V4"))
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var container struct {
		Networks []struct{ IPv4Addresses []string }
	}
	if err := json.NewDecoder(response.Body).Decode(&container); err != nil {
		return netip.Addr{}, err
	}
	return netip.ParseAddr(container.Networks[0].IPv4Addresses[0])
}
