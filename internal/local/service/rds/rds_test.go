package rds

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/secretsmanager"
)

// cache keeps the template of all clusters of this test's run.
var cache string

func TestMain(m *testing.M) {
	var err error
	if cache, err = os.MkdirTemp("", "headroom-rds-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(cache)
	os.Exit(code)
}

// vault remembers the managed secrets.
type vault struct {
	mu     sync.Mutex
	values map[string]secretsmanager.Managed
}

func (v *vault) SetManaged(m secretsmanager.Managed) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	arn := "arn:aws:secretsmanager:eu-west-1:123456789012:secret:" + m.Name + "-AbCdEf"
	v.values[arn] = m
	return arn
}

func (v *vault) RemoveManaged(arn string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.values, arn)
}

// credentials reads a master secret.
func (v *vault) credentials(t *testing.T, arn string) (username, password string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	var value map[string]string
	if err := json.Unmarshal([]byte(v.values[arn].Value), &value); err != nil {
		t.Fatal(err)
	}
	if len(value) != 2 {
		t.Errorf("master secret has %d keys, RDS's has username and password", len(value))
	}
	return value["username"], value["password"]
}

// bench is one RDS with what it needs.
type bench struct {
	*RDS
	vault     *vault
	authority *postgresql.Authority
	logs      string
	events    *events
	metrics   *metrics
}

// events remembers what RDS said, and how far its end is.
type events struct {
	mu      sync.Mutex
	said    []string
	stopped []string
}

func (e *events) emit(_ context.Context, source, detailType string, resources []string, detail any) {
	text, _ := json.Marshal(detail)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, source+" "+detailType+" "+resources[0]+" "+string(text))
}

// await waits until an event was said.
func (e *events) await(t *testing.T, what string) {
	t.Helper()
	for range 1000 {
		e.mu.Lock()
		said := strings.Join(e.said, "\n")
		e.mu.Unlock()
		if strings.Contains(said, what) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("nobody said %s", what)
}

func newBench(t *testing.T) bench {
	t.Helper()
	authority, err := postgresql.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	v := &vault{values: map[string]secretsmanager.Managed{}}
	logs := t.TempDir()
	said, told := &events{}, &metrics{}
	r, err := New(Config{
		Account: "123456789012", Region: "eu-west-1", Authority: authority, Secrets: v,
		CacheDir: cache, LogDir: logs, Lead: 10 * time.Millisecond,
		Clock: clock.New(1000), Restart: 50 * time.Second, ShipEvery: 300 * time.Second, Emit: said.emit, Put: told.put, DatabasesAdvised: 3,
		Stopped: func(n, of int) { said.stopped = append(said.stopped, fmt.Sprintf("%d of %d", n, of)) },
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err) // no PostgreSQL
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return bench{RDS: r, vault: v, authority: authority, logs: logs, events: said, metrics: told}
}

func database(name string, more map[string]any) resource.Resource {
	properties := map[string]any{
		"DBInstanceIdentifier": name, "Engine": "postgres", "MasterUsername": "headroom",
		"ManageMasterUserPassword": "true", "AllocatedStorage": "20", "BackupRetentionPeriod": "0",
	}
	for key, value := range more {
		properties[key] = value
	}
	return resource.Resource{StackID: "arn:stack/" + name, StackName: name, LogicalID: "Database", Type: "AWS::RDS::DBInstance", Properties: properties}
}

// instance makes an instance and returns its port and its master's credentials.
func (b bench) instance(t *testing.T, r resource.Resource) (port, username, password string) {
	t.Helper()
	created, err := b.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	port = created.Attributes["Endpoint.Port"].(string)
	username, password = b.vault.credentials(t, created.Attributes["MasterUserSecret.SecretArn"].(string))
	return port, username, password
}

func dsn(port, user, password, database, query string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: "localhost:" + port, Path: database, RawQuery: query}
	return u.String()
}

// open connects as a client that verifies the server fully.
func (b bench) open(t *testing.T, port, user, password, database string) (*pgx.Conn, error) {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn(port, user, password, database, "sslmode=verify-full"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b.authority.PEM())
	cfg.TLSConfig = &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	for _, fallback := range cfg.Fallbacks {
		fallback.TLSConfig = cfg.TLSConfig
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

func TestInstanceLetsInOnlyWhoVerifiesTLS(t *testing.T) {
	b := newBench(t)
	port, user, password := b.instance(t, database("tls", nil))
	if _, err := b.open(t, port, user, password, "postgres"); err != nil {
		t.Fatalf("verify-full with the authority's certificate: %v", err)
	}
	for name, query := range map[string]string{
		"without TLS":                    "sslmode=disable",
		"verified against another CA":    "sslmode=verify-full",
		"an unknown password, encrypted": "",
	} {
		t.Run(name, func(t *testing.T) {
			connect := func() error {
				conn, err := pgx.Connect(t.Context(), dsn(port, user, password, "postgres", query))
				if err == nil {
					_ = conn.Close(t.Context())
				}
				return err
			}
			if query == "" {
				connect = func() error { _, err := b.open(t, port, user, "wrong", "postgres"); return err }
			}
			err := connect()
			if err == nil {
				t.Fatal("connected")
			}
			if strings.Contains(err.Error(), password) {
				t.Error("the error tells the password")
			}
		})
	}
}

func TestMasterUserIsNoSuperuser(t *testing.T) {
	b := newBench(t)
	port, user, password := b.instance(t, database("master", map[string]any{"DBName": "first"}))
	conn, err := b.open(t, port, user, password, "first")
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []string{
		"CREATE ROLE tenant LOGIN PASSWORD 'x'",
		"GRANT tenant TO headroom",
		"CREATE DATABASE tenant OWNER headroom TEMPLATE template0 ALLOW_CONNECTIONS false",
		"REVOKE ALL ON DATABASE tenant FROM PUBLIC",
		"REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
		"REVOKE CONNECT ON DATABASE template1 FROM PUBLIC",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant'",
		"DROP DATABASE tenant WITH (FORCE)",
		"DROP ROLE tenant",
	} {
		if _, err := conn.Exec(t.Context(), allowed); err != nil {
			t.Errorf("%s: %v", allowed, err)
		}
	}
	for _, refused := range []string{
		"CREATE ROLE boss SUPERUSER",
		"ALTER ROLE headroom SUPERUSER",
		"ALTER SYSTEM SET work_mem = '1GB'",
		"COPY (SELECT 1) TO PROGRAM 'cat'",
		"SELECT pg_read_file('/etc/passwd')",
		"SET ROLE rdsadmin",
		"DROP DATABASE rdsadmin",
	} {
		if _, err := conn.Exec(t.Context(), refused); err == nil {
			t.Errorf("%s: allowed", refused)
		}
	}
	if _, err := b.open(t, port, user, password, "rdsadmin"); err == nil {
		t.Error("the master got into rdsadmin")
	}
}

func TestParameterGroupIsApplied(t *testing.T) {
	b := newBench(t)
	group := resource.Resource{StackID: "s", StackName: "s", LogicalID: "Group", Type: "AWS::RDS::DBParameterGroup", Properties: map[string]any{
		"Family": "postgres17",
		"Parameters": map[string]any{
			"rds.force_ssl": "0", "log_statement": "all", "idle_in_transaction_session_timeout": 60000,
			"shared_buffers": "{DBInstanceClassMemory/32768}", "shared_preload_libraries": "pg_stat_statements",
			"rds.log_retention_period": "4320", "max_connections": 50,
		},
	}}
	made, err := b.Create(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	port, user, password := b.instance(t, database("parameters", map[string]any{"DBParameterGroupName": made.PhysicalID}))
	conn, err := pgx.Connect(t.Context(), dsn(port, user, password, "postgres", "sslmode=disable"))
	if err != nil {
		t.Fatalf("rds.force_ssl is 0: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for name, want := range map[string]string{"log_statement": "all", "idle_in_transaction_session_timeout": "1min", "max_connections": "50"} {
		var got string
		if err := conn.QueryRow(t.Context(), "SHOW "+name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	log, err := os.ReadFile(filepath.Join(b.logs, "parameters.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(log) == 0 || strings.Contains(string(log), password[:20]) {
		t.Errorf("the log (%d bytes) is empty or tells the master password", len(log))
	}
}

func TestCreateAgainIsTheSameInstance(t *testing.T) {
	b := newBench(t)
	r := database("again", nil)
	var group sync.WaitGroup
	ports := make([]string, 3)
	for n := range ports {
		group.Go(func() {
			if created, err := b.Create(t.Context(), r); err != nil {
				t.Error(err)
			} else {
				ports[n] = created.Attributes["Endpoint.Port"].(string)
			}
		})
	}
	group.Wait()
	if ports[0] != ports[1] || ports[1] != ports[2] {
		t.Errorf("three creations of one resource gave the ports %v", ports)
	}
	other := r
	other.StackID = "arn:stack/other"
	if _, err := b.Create(t.Context(), other); err == nil || !strings.Contains(err.Error(), "DBInstanceAlreadyExists") {
		t.Errorf("the same identifier in another stack: %v", err)
	}
}

func TestDeleteEndsServerAndSecret(t *testing.T) {
	b := newBench(t)
	r := database("gone", nil)
	port, user, password := b.instance(t, r)
	r.PhysicalID = "gone"
	conn, err := b.open(t, port, user, password, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	var dir string
	if err := conn.QueryRow(t.Context(), "SHOW data_directory").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 { // of what is not there, it succeeds
		if err := b.Delete(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.open(t, port, user, password, "postgres"); err == nil {
		t.Error("the server is still there")
	}
	if len(b.vault.values) != 0 {
		t.Error("the master secret is still there")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data is still there")
	}
	_, err = b.describe(t.Context(), endpoint.Call{Params: map[string]any{"DBInstanceIdentifier": "gone"}})
	if err == nil || !strings.Contains(err.Error(), "DBInstanceNotFound") {
		t.Errorf("described: %v", err)
	}
}

func TestProtectedInstanceIsNotDeleted(t *testing.T) {
	b := newBench(t)
	r := database("kept", map[string]any{"DeletionProtection": true})
	b.instance(t, r)
	r.PhysicalID = "kept"
	if err := b.Delete(t.Context(), r); err == nil {
		t.Error("deleted")
	}
}

func TestRotatedMasterPasswordIsInTheSecret(t *testing.T) {
	b := newBench(t)
	port, user, before := b.instance(t, database("rotated", nil))
	if err := b.RotateMaster(t.Context(), "rotated"); err != nil {
		t.Fatal(err)
	}
	_, after := b.vault.credentials(t, b.instances["rotated"].secretARN)
	if _, err := b.open(t, port, user, before, "postgres"); err == nil {
		t.Error("the old password still works")
	}
	if _, err := b.open(t, port, user, after, "postgres"); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

func BenchmarkCreateInstance(b *testing.B) {
	authority, err := postgresql.NewAuthority()
	if err != nil {
		b.Fatal(err)
	}
	r, err := New(Config{
		Authority: authority, Secrets: &vault{values: map[string]secretsmanager.Managed{}},
		CacheDir: cache, Lead: time.Millisecond,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := r.Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		declared := database(fmt.Sprintf("bench-%d", n), nil)
		if _, err := r.Create(b.Context(), declared); err != nil {
			b.Fatal(err)
		}
		declared.PhysicalID = declared.Properties["DBInstanceIdentifier"].(string)
		if err := r.Delete(b.Context(), declared); err != nil {
			b.Fatal(err)
		}
	}
}
