package endtoend

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"headroom/internal/pool"
)

// BenchmarkColdStarts starts every function under Lambda's Runtime API, as Lambda would to serve a first invocation, and
// beside it a program that does nothing but make the same clients of AWS's SDK. An operation is one start of each,
// in turn; what is told is the median. Init is from the start of the process until it asks for an event, in wall time
// (init-ms) and in the processor's (init-cpu-ms), which other work on the machine moves less. More starts say more:
// run it with -benchtime 30x.
func BenchmarkColdStarts(b *testing.B) {
	s := start(b, policies(pool.Policy{SlotsPerHost: 1}, pool.Policy{SlotsPerHost: 1}))
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		name := shortName(r.PhysicalID)
		b.Run(name, func(b *testing.B) {
			environment := variablesOf(b, r.Properties)
			beside := taskRoot(b, name)
			function, hello := compiled(b, "./functions/"+name), compiled(b, helloWorld(b, name))
			var ours, theirs []coldStart
			for b.Loop() {
				ours = append(ours, startCold(b, function, beside, environment))
				theirs = append(theirs, startCold(b, hello, beside, environment))
			}
			init, cpu, memory := medians(ours)
			helloInit, helloCPU, helloMemory := medians(theirs)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(init, "init-ms")
			b.ReportMetric(init/helloInit, "init-ratio")
			b.ReportMetric(cpu, "init-cpu-ms")
			b.ReportMetric(cpu/helloCPU, "init-cpu-ratio")
			b.ReportMetric(memory, "peak-MB")
			b.ReportMetric(memory/helloMemory, "peak-ratio")
			b.ReportMetric(megabytes(b, function), "binary-MB")
			b.ReportMetric(megabytes(b, function)/megabytes(b, hello), "binary-ratio")
		})
	}
}

// taskRoot is a folder with what lies beside a function's program: for those that reach databases, the authorities of one
// region. This machine's synthesis knows no region, and puts those of all there.
func taskRoot(tb testing.TB, function string) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	rest, err := os.ReadFile(filepath.Join("../../dist/native", function, "rds-ca.pem"))
	if errors.Is(err, fs.ErrNotExist) {
		return dir
	}
	must(tb, err)
	var wanted []byte
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		must(tb, err)
		if strings.HasPrefix(certificate.Subject.CommonName, "Amazon RDS eu-central-1 ") {
			wanted = append(wanted, pem.EncodeToMemory(block)...)
		}
	}
	must(tb, os.WriteFile(filepath.Join(dir, "rds-ca.pem"), wanted, 0o600))
	return dir
}

// coldStart is what one start of a program took.
type coldStart struct {
	wall, cpu time.Duration
	peak      int64 // bytes in memory at most
}

// startCold runs a program in a folder until it asks for its first invocation, and ends it.
func startCold(tb testing.TB, program, dir string, environment []string) coldStart {
	tb.Helper()
	asked, over := make(chan time.Time, 1), make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/runtime/invocation/next") {
			tb.Errorf("%s asked for %s", program, r.URL.Path)
			return
		}
		select {
		case asked <- time.Now():
		default:
		}
		<-over
	}))
	defer api.Close()
	defer close(over)
	cmd := exec.Command(program)
	cmd.Dir, cmd.Env = dir, append(slices.Clone(environment), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	begun := time.Now()
	must(tb, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	select {
	case at := <-asked:
		return coldStart{at.Sub(begun), cpuTime(tb, cmd.Process.Pid), peakMemory(tb, cmd.Process.Pid)}
	case <-time.After(30 * time.Second):
		tb.Fatalf("%s asks for no event; it says %s", program, said.String())
		return coldStart{}
	}
}

// cpuTime is what the threads of a process have run (Linux, Documentation/scheduler/sched-stats.rst).
func cpuTime(tb testing.TB, pid int) (ran time.Duration) {
	tb.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	must(tb, err)
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		must(tb, err)
		nanoseconds, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		must(tb, err)
		ran += time.Duration(nanoseconds)
	}
	return ran
}

// peakMemory is the most that was resident of a process, in bytes.
func peakMemory(tb testing.TB, pid int) int64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(tb, err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	must(tb, err)
	return kilobytes << 10
}

func medians(all []coldStart) (wall, cpu, megabytes float64) {
	median := func(of func(coldStart) float64) float64 {
		figures := make([]float64, len(all))
		for i, c := range all {
			figures[i] = of(c)
		}
		slices.Sort(figures)
		return figures[len(figures)/2]
	}
	return median(func(c coldStart) float64 { return c.wall.Seconds() * 1000 }),
		median(func(c coldStart) float64 { return c.cpu.Seconds() * 1000 }),
		median(func(c coldStart) float64 { return float64(c.peak) / 1e6 })
}

func megabytes(tb testing.TB, file string) float64 {
	tb.Helper()
	info, err := os.Stat(file)
	must(tb, err)
	return float64(info.Size()) / 1e6
}

// compiled is a package or file of a program, compiled as what goes to Lambda is, but for this machine.
func compiled(tb testing.TB, what string) (program string) {
	tb.Helper()
	program = filepath.Join(tb.TempDir(), "bootstrap")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", program, what)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build %s: %v\n%s", what, err, out)
	}
	return program
}

// helloWorld writes a program that makes the clients that a function makes, and does nothing with them.
func helloWorld(tb testing.TB, function string) (file string) {
	tb.Helper()
	const services = "github.com/aws/aws-sdk-go-v2/service/"
	list := exec.CommandContext(tb.Context(), "go", "list", "-deps", "./functions/"+function)
	list.Dir = "../.."
	out, err := list.Output()
	must(tb, err)
	var clients []string
	for _, p := range strings.Fields(string(out)) {
		service, ok := strings.CutPrefix(p, services)
		// What finds credentials brings clients of its own, which the configuration makes.
		if ok && !strings.Contains(service, "/") && !slices.Contains([]string{"sso", "ssooidc", "signin", "sts"}, service) {
			clients = append(clients, service)
		}
	}
	file = filepath.Join(tb.TempDir(), "hello.go")
	var text bytes.Buffer
	must(tb, helloTemplate.Execute(&text, struct {
		Services string
		Clients  []string
	}{services, clients}))
	must(tb, os.WriteFile(file, text.Bytes(), 0o600))
	return file
}

var helloTemplate = template.Must(template.New("hello").Parse(`package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
{{range .Clients}}	"{{$.Services}}{{.}}"
{{end}})

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	clients := []any{ {{range .Clients}}{{.}}.NewFromConfig(cfg), {{end}} }
	lambda.Start(func(context.Context) (int, error) { return len(clients), nil })
}
`))

// variablesOf are a function's variables, and those that Lambda adds that a start needs.
func variablesOf(tb testing.TB, properties map[string]any) []string {
	tb.Helper()
	environment := []string{
		"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "HOME=" + tb.TempDir(),
		"AWS_LAMBDA_FUNCTION_NAME=cold", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_LOG_FORMAT=JSON",
	}
	of, _ := properties["Environment"].(map[string]any)
	variables, _ := of["Variables"].(map[string]any)
	for name, value := range variables {
		environment = append(environment, name+"="+fmt.Sprint(value))
	}
	slices.Sort(environment)
	return environment
}
