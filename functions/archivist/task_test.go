package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/jackc/pgx/v5"

	"headroom/events"
	"headroom/internal/adapter/postgres"
	"headroom/internal/handler/archivist"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/machine/postgresql"
	locals3 "headroom/internal/local/service/s3"
	localsecrets "headroom/internal/local/service/secretsmanager"
	"headroom/internal/pool"
)

const (
	share, store = "headroom-share", "headroom-archive"
	slotMark     = "db-standard-1/p4n8v1k6sd/1/1"
	slotName     = "leaving00001"
	keyARN       = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// rows are what the tenant's database has.
var rows = []string{
	"CREATE TABLE app.rows AS SELECT i AS id, md5(i::text) AS what FROM generate_series(1, 100000) i",
	"CREATE VIEW app.some AS SELECT * FROM app.rows WHERE id < 10",
	"CREATE TYPE app.mood AS ENUM ('sad', 'ok')",
	"CREATE TABLE app.secret (owner text)", "INSERT INTO app.secret VALUES ('a'), ('b')",
	"CREATE POLICY p ON app.secret USING (owner = 'a')", "ALTER TABLE app.secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
	"CREATE SEQUENCE app.numbers START 77",
	"SELECT lo_from_bytea(0, convert_to('large ' || i, 'UTF8')) FROM generate_series(1, 20) i",
}

// keys are names that clients of shares can make.
var keys = []string{
	"plain.txt", "PLAIN.TXT", "folder/", "folder/file", "empty", "with space+plus", "Zo\u00eb", "Zoe\u0308", "日本語/ファイル", "../up", "a/../../b", "con", "aux.txt",
	"back\\slash", "colon:name", "tab\tname", ".hidden", strings.Repeat("n", 255), strings.Repeat("d/", 400) + "deep",
}

// database is a tenant's, filled and shut, with a copier let in whose password is returned.
func database(t *testing.T) (host pool.Login, copier, authorities string) {
	t.Helper()
	ctx := t.Context()
	dir, err := os.MkdirTemp("", "hr-task-")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	authority, err := postgresql.NewAuthority()
	check(t, err)
	authorities = filepath.Join(dir, "rds-ca.pem")
	check(t, os.WriteFile(authorities, authority.PEM(), 0o644))
	program, err := postgresql.Find(dir)
	check(t, err)
	login := pool.Login{Host: postgresql.Host, Username: "headroom", Password: rand.Text()}
	server, err := program.Start(ctx, postgresql.Config{Name: "instance", Authority: authority, Master: login.Username, Password: login.Password})
	check(t, err)
	t.Cleanup(func() { check(t, server.Close()) })
	login.Port = server.Port()
	roots, err := postgres.ReadAuthorities(authorities)
	check(t, err)
	adapter, err := postgres.New(postgres.Config{
		RootCAs: roots, Random: rand.Reader, Jitter: func() float64 { return 1 },
		Sleep: func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil },
	})
	check(t, err)
	password, copier := rand.Text(), rand.Text()
	check(t, errors.Join(adapter.Harden(ctx, login), adapter.MakeSlot(ctx, login, slotName, slotMark, 4), adapter.Open(ctx, login, slotName, password)))
	config, err := pgx.ParseConfig("host=" + login.Host + " sslmode=disable")
	check(t, err)
	config.Port, config.User, config.Password = uint16(login.Port), pool.RoleName(slotName), password
	config.Database, config.TLSConfig = pool.DatabaseName(slotName), &tls.Config{InsecureSkipVerify: true}
	conn, err := pgx.ConnectConfig(ctx, config)
	check(t, err)
	for _, sql := range rows {
		_, err := conn.Exec(ctx, sql)
		check(t, err)
	}
	check(t, errors.Join(conn.Close(ctx), adapter.Close(ctx, login, slotName)))
	check(t, adapter.GrantCopier(ctx, login, pool.MarkedSlot{Name: slotName, Mark: slotMark}, copier, time.Now().Add(time.Hour)))
	return login, copier, authorities
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reports keeps what the task reports.
type reports struct {
	t      testing.TB
	secret string
	last   events.TaskReport
}

func (r *reports) Send(_ context.Context, body any, _ time.Duration) error {
	text, err := json.Marshal(body)
	if err != nil || bytes.Contains(text, []byte(r.secret)) {
		r.t.Errorf("a report has the password, or is none: %v", err)
	}
	r.last = body.(events.TaskReport)
	return nil
}

// The task as it is wired, with a PostgreSQL server, and the local cloud's S3 and Secrets Manager.
func TestTheTaskArchivesAndVerifies(t *testing.T) {
	host, password, authorities := database(t)
	buckets, err := locals3.New(locals3.Config{Account: endpointtest.Account, Region: endpointtest.Region, Dir: t.TempDir(), Now: time.Now})
	check(t, err)
	kept := localsecrets.New(localsecrets.Config{Account: endpointtest.Account, Region: endpointtest.Region, Lag: time.Nanosecond})
	cfg := endpointtest.Serve(t, buckets.Service(), kept.Service())
	client := s3.NewFromConfig(cfg)
	fillBuckets(t, client)

	credentials := events.Credentials{
		Engine: "postgres", Host: host.Host, Port: host.Port, DBName: pool.DatabaseName(slotName), Username: pool.CopierName(slotName), Password: password,
	}
	value, err := json.Marshal(credentials)
	check(t, err)
	secret, err := secretsmanager.NewFromConfig(cfg).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("headroom/dev/copier/acme.mark/1"), SecretString: aws.String(string(value)), ClientRequestToken: aws.String(strings.Repeat("1", 32)),
	})
	check(t, err)
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Networks":[{"IPv4Addresses":["127.0.0.1"]}]}`)
	}))
	t.Cleanup(metadata.Close)
	folder, err := os.MkdirTemp("", "hr-") // short, for sockets
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	check(t, os.Chmod(folder, 0o755)) // the scratch server's user passes through
	t.Setenv("TMPDIR", folder)
	job := events.ArchivistJob{
		Version: events.Version, Type: events.TypeArchivistJob, Job: events.JobArchive, Of: events.OfDeparture, ID: "acme.mark", Attempt: 1, TenantID: "acme",
		Bucket: share, Mark: "share-standard-1/x7c2m9q4ab/1/1",
		Database: &events.JobDatabase{
			Host: host.Host, Port: host.Port, Name: credentials.DBName, Username: credentials.Username, Tenant: pool.RoleName(slotName),
			SecretARN: aws.ToString(secret.ARN), Mark: slotMark,
		},
		Archive: &events.ArchiveRef{Bucket: store, Key: "acme.mark/1/archive.zip", ManifestKey: "acme.mark/1/manifest.jsonl"},
	}
	handler, err := build(t.Context(), cfg, archivist.Environment{
		Reports: "http://localhost/none", Key: keyARN, Authorities: authorities, RestoreMost: 180, Metadata: metadata.URL,
	}, job)
	check(t, err)
	heard := &reports{t: t, secret: password}
	handler.Reports = heard
	check(t, handler.Do(t.Context(), job))
	ref := heard.last.Archive
	if ref == nil || ref.Entries != int64(len(keys))+1 {
		t.Fatalf("archived: %+v", heard.last)
	}
	unpacked(t, client, *ref)

	job.Job, job.Attempt, job.Archive = events.JobVerify, 2, ref
	check(t, handler.Do(t.Context(), job))
	for _, want := range []string{"restored", "100002 rows", fmt.Sprintf("%d files", len(keys))} {
		if !strings.Contains(heard.last.Proof, want) {
			t.Errorf("the proof lacks %q: %+v", want, heard.last)
		}
	}
	// The share changes after it was archived.
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(share), Key: aws.String("plain.txt"), Body: strings.NewReader("later")})
	check(t, err)
	check(t, handler.Do(t.Context(), job))
	if len(heard.last.Found) != 1 || heard.last.Proof != "" {
		t.Errorf("after a change: %+v", heard.last)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "pg", "copy-*")); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
}

func fillBuckets(t *testing.T, client *s3.Client) {
	t.Helper()
	for _, name := range []string{share, store} {
		_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
			Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: endpointtest.Region},
		})
		check(t, err)
		_, err = client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		check(t, err)
	}
	for _, key := range keys {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(share), Key: &key, Body: strings.NewReader(content(key))})
		check(t, err)
	}
}

func content(key string) string {
	if key == "empty" || strings.HasSuffix(key, "/") {
		return ""
	}
	return strings.Repeat("content of "+key+"\n", 20)
}

// unpacked unpacks an archive with what anybody has.
func unpacked(t *testing.T, client *s3.Client, ref events.ArchiveRef) {
	t.Helper()
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: &ref.VersionID})
	check(t, err)
	raw, err := io.ReadAll(out.Body)
	check(t, errors.Join(err, out.Body.Close()))
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	check(t, err)
	want := map[string]int{}
	for _, key := range keys {
		want[content(key)]++
	}
	dump := filepath.Join(t.TempDir(), "database.dump")
	for _, f := range z.File {
		in, err := f.Open()
		check(t, err)
		got, err := io.ReadAll(in)
		check(t, err)
		switch {
		case f.Name == "database.dump":
			check(t, os.WriteFile(dump, got, 0o600))
		case strings.HasPrefix(f.Name, "share/"):
			want[string(got)]--
		}
	}
	for text, n := range want {
		if n != 0 {
			t.Errorf("%d times too few: %.40q", n, text)
		}
	}
	if programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_restore"); len(programs) > 0 {
		listed, err := exec.Command(programs[len(programs)-1], "--list", dump).CombinedOutput()
		if err != nil || !slices.ContainsFunc(strings.Split(string(listed), "\n"), func(l string) bool { return strings.Contains(l, "TABLE DATA app rows") }) {
			t.Errorf("pg_restore: %v", err)
		}
	}
}
