package s3_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/service/s3"
)

const (
	account, region = "123456789012", "eu-west-1"
	key             = "arn:aws:kms:eu-west-1:123456789012:key/k"
)

// world is S3 behind the endpoint, whose clock stands still unless it is moved.
type world struct {
	*s3.S3
	dir, url    string
	policies    *iam.Store
	keys        *endpoint.Keys
	*sdk.Client // of the account's owner

	mu     sync.Mutex
	now    time.Time
	called []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: filepath.Join(t.TempDir(), "objects"), policies: iam.New(account, region), keys: &endpoint.Keys{}, now: time.Now()}
	var err error
	w.S3, err = s3.New(s3.Config{Account: account, Region: region, Dir: w.dir, Now: w.time, Allowed: func(principal, action, resource string) error {
		return w.policies.Allowed(principal, action, resource, nil)
	}})
	if err != nil {
		t.Fatal(err)
	}
	router := endpoint.New(endpoint.Config{
		Account: account, Region: region, Principals: w.keys, Authorizer: w.policies, Log: slog.New(slog.DiscardHandler),
	})
	router.Handle(w.Service())
	router.After(func(call endpoint.Call, _ int) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.called = append(w.called, call.Operation)
		return nil
	})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.Client = w.as("owner")
	return w
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// as is a client with an access key.
func (w *world) as(accessKeyID string) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: &w.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, "secret", ""),
	}, func(o *sdk.Options) { o.UsePathStyle = true })
}

// role is a client of a role that may do what the statements say.
func (w *world) role(t *testing.T, statements string) *sdk.Client {
	t.Helper()
	document, err := iam.ParseDocument(`{"Statement":[` + statements + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:iam::" + account + ":role/r"
	w.policies.PutRole(iam.Role{Name: "r", ARN: arn, Policies: map[string]iam.Document{"P": document}})
	w.keys.Issue("role", arn)
	return w.as("role")
}

// bucket makes the bucket "b".
func (w *world) bucket(t *testing.T, settings s3.Settings) *string {
	t.Helper()
	if err := w.Create("b", settings); err != nil {
		t.Fatal(err)
	}
	return aws.String("b")
}

// put writes an object and returns its version.
func (w *world) put(t *testing.T, name, content string) string {
	t.Helper()
	out, err := w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("b"), Key: &name, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// get reads an object, or a version of it if one is given.
func (w *world) get(t *testing.T, name, version string) (string, error) {
	t.Helper()
	in := &sdk.GetObjectInput{Bucket: aws.String("b"), Key: &name, ChecksumMode: "ENABLED"}
	if version != "" {
		in.VersionId = &version
	}
	out, err := w.GetObject(t.Context(), in)
	if err != nil {
		return "", err
	}
	defer func() { _ = out.Body.Close() }()
	content, err := io.ReadAll(out.Body)
	return string(content), err
}

// files counts what lies on the disk.
func (w *world) files(t *testing.T) (n int) {
	t.Helper()
	if err := filepath.WalkDir(w.dir, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func wants(t *testing.T, what string, err error, want string) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%s: got %v, want %q", what, err, want)
	}
}

func TestBothAddressingStyles(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	virtual := sdk.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String(strings.Replace(w.url, "127.0.0.1", "localhost", 1)), RetryMaxAttempts: 1,
		HTTPClient:  loopback(), // not every resolver knows names under localhost
		Credentials: credentials.NewStaticCredentialsProvider("owner", "secret", ""),
	})
	if _, err := w.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("b")}); err != nil {
		t.Fatal(err)
	}
	if _, err := virtual.PutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("dir/k"), Body: strings.NewReader("text")}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.get(t, "dir/k", ""); err != nil || got != "text" {
		t.Errorf("got %q: %v", got, err)
	}
	if _, err := virtual.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("dir/k")}); err != nil {
		t.Error(err)
	}
	if list, err := virtual.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("b")}); err != nil || len(list.Contents) != 1 {
		t.Errorf("list: %v, %v", list, err)
	}
	_, err := w.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: aws.String("b")})
	wants(t, "an operation that is no list of objects", err, "NotImplemented")
	want := "CreateBucket,PutObject,GetObject,HeadObject,ListObjectsV2,GET ?cors"
	if got := strings.Join(w.called, ","); got != want {
		t.Errorf("operations %s, want %s", got, want)
	}
}

// loopback is an HTTP client that takes every name for this machine.
func loopback() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	return &http.Client{Transport: transport}
}

func TestABucketIsChangedAsFarAsItCanBe(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, s3.Settings{Versioning: "Enabled"})
	kept := w.put(t, "k", "x")
	if err := w.Change("b", s3.Settings{}); err != nil {
		t.Fatal(err)
	}
	versioning, err := w.GetBucketVersioning(t.Context(), &sdk.GetBucketVersioningInput{Bucket: b})
	if err != nil || versioning.Status != "Suspended" {
		t.Errorf("versioning %v: %v", versioning, err)
	}
	if got, err := w.get(t, "k", kept); err != nil || got != "x" {
		t.Errorf("got %q: %v", got, err)
	}
	for _, settings := range []s3.Settings{{ObjectLock: true}, {ObjectLock: true, Versioning: "Enabled"}} {
		if err := w.Change("b", settings); err != nil {
			t.Error(err)
		}
	}
	for what, settings := range map[string]s3.Settings{"no lock": {Versioning: "Enabled"}, "suspended": {ObjectLock: true, Versioning: "Suspended"}} {
		if err := w.Change("b", settings); err == nil {
			t.Errorf("%s: it is changed", what)
		}
	}
	if err := w.Change("missing", s3.Settings{}); err == nil {
		t.Error("no bucket is changed")
	}
}
