package main

import (
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
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
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

// past is an instance that was restored to a time, with a tenant's database, and the host of now, where the tenant's
// database has other things by now.
type past struct {
	databases *postgres.Adapter
	then, now pool.Login // the two instances' masters
	slot      pool.MarkedSlot
	standIn   pool.MarkedSlot
	kept      pool.MarkedSlot
	tenant    string // its password
	authority string
	job       events.ArchivistJob
	copier    string
	filler    string
	secretOf  func(t testing.TB, d events.JobDatabase, password string) string
	task      func(t testing.TB, job events.ArchivistJob) events.TaskReport
	attempt   int
}

// instance runs a PostgreSQL server.
func instance(t testing.TB, program *postgresql.Program, authority *postgresql.Authority, name string) pool.Login {
	t.Helper()
	login := pool.Login{Host: postgresql.Host, Username: "headroom", Password: rand.Text()}
	server, err := program.Start(t.Context(), postgresql.Config{Name: name, Authority: authority, Master: login.Username, Password: login.Password})
	check(t, err)
	t.Cleanup(func() { check(t, server.Close()) })
	login.Port = server.Port()
	return login
}

func newPast(t testing.TB, statements ...string) *past {
	t.Helper()
	p, program, authority := newServers(t)
	p.then, p.now = instance(t, program, authority, "then"), instance(t, program, authority, "now")
	ctx := t.Context()
	for _, login := range []pool.Login{p.then, p.now} {
		check(t, errors.Join(p.databases.Harden(ctx, login), p.databases.MakeSlot(ctx, login, slotName, slotMark, 4), p.databases.Open(ctx, login, slotName, p.tenant)))
	}
	p.exec(t, p.then, statements...)
	p.exec(t, p.now, "CREATE TABLE app.present AS SELECT 1 AS id")
	check(t, p.databases.Close(ctx, p.then, slotName))
	p.serve(t)
	return p
}

// newServers makes what there is before there are servers.
func newServers(t testing.TB) (*past, *postgresql.Program, *postgresql.Authority) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hr-past-")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	authority, err := postgresql.NewAuthority()
	check(t, err)
	p := &past{
		slot: pool.MarkedSlot{Name: slotName, Mark: slotMark}, standIn: pool.MarkedSlot{Name: "standin00001", Mark: slotMark + "/stand-in-1"},
		kept: pool.MarkedSlot{Name: "before000001", Mark: slotMark + "/before-1"}, tenant: rand.Text(), authority: dir + "/rds-ca.pem",
	}
	check(t, os.WriteFile(p.authority, authority.PEM(), 0o644))
	program, err := postgresql.Find(dir)
	check(t, err)
	roots, err := postgres.ReadAuthorities(p.authority)
	check(t, err)
	p.databases, err = postgres.New(postgres.Config{
		RootCAs: roots, Random: rand.Reader, Jitter: func() float64 { return 1 },
		Sleep: func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil },
	})
	check(t, err)
	return p, program, authority
}

// as connects to a database of an instance.
func as(t testing.TB, login pool.Login, slot, username, password string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig("host=" + login.Host + " sslmode=disable")
	check(t, err)
	config.Port, config.User, config.Password = uint16(login.Port), username, password
	config.Database, config.TLSConfig = pool.DatabaseName(slot), &tls.Config{InsecureSkipVerify: true}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	check(t, err)
	return conn
}

// exec has the tenant work in its database.
func (p *past) exec(t testing.TB, login pool.Login, statements ...string) {
	t.Helper()
	conn := as(t, login, slotName, pool.RoleName(slotName), p.tenant)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// text is what a query of one text finds.
func text(t testing.TB, conn *pgx.Conn, sql string) (found string) {
	t.Helper()
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	check(t, conn.QueryRow(t.Context(), sql).Scan(&found))
	return found
}

// serve makes what the task reaches besides, and the task.
func (p *past) serve(t testing.TB) {
	t.Helper()
	kept := localsecrets.New(localsecrets.Config{Account: endpointtest.Account, Region: endpointtest.Region, Lag: time.Nanosecond})
	cfg := endpointtest.Serve(t, kept.Service())
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Networks":[{"IPv4Addresses":["127.0.0.1"]}]}`)
	}))
	t.Cleanup(metadata.Close)
	secrets := 0
	p.secretOf = func(t testing.TB, d events.JobDatabase, password string) string {
		t.Helper()
		value, err := json.Marshal(events.Credentials{Engine: "postgres", Host: d.Host, Port: d.Port, DBName: d.Name, Username: d.Username, Password: password})
		check(t, err)
		secrets++
		secret, err := secretsmanager.NewFromConfig(cfg).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
			Name: aws.String(fmt.Sprintf("headroom/dev/copier/acme.restore-1/%d", secrets)), SecretString: aws.String(string(value)),
			ClientRequestToken: aws.String(strings.Repeat("1", 32)),
		})
		check(t, err)
		return aws.ToString(secret.ARN)
	}
	p.task = func(t testing.TB, job events.ArchivistJob) events.TaskReport {
		t.Helper()
		handler, err := build(t.Context(), cfg, archivist.Environment{
			Reports: "http://localhost/none", Authorities: p.authority, RestoreMost: 180, Metadata: metadata.URL,
		}, job)
		check(t, err)
		heard := &reports{t: t, secret: p.filler}
		handler.Reports = heard
		check(t, handler.Do(t.Context(), job))
		return heard.last
	}
}

// prepare makes what an attempt needs, as the function does, and returns its job.
func (p *past) prepare(t testing.TB) events.ArchivistJob {
	t.Helper()
	ctx := t.Context()
	p.copier, p.filler = rand.Text(), rand.Text()
	p.attempt++
	soon := time.Now().Add(time.Hour)
	check(t, p.databases.GrantCopier(ctx, p.then, p.slot, p.copier, soon))
	check(t, p.databases.PrepareStandIn(ctx, p.now, p.standIn, 4, p.filler, soon))
	job := events.ArchivistJob{
		Version: events.Version, Type: events.TypeArchivistJob, Job: events.JobRestoreDatabase, Of: events.OfRestoration, ID: "acme.restore-1",
		Attempt: p.attempt, TenantID: "acme",
		Database: &events.JobDatabase{
			Host: p.then.Host, Port: p.then.Port, Name: pool.DatabaseName(slotName), Username: pool.CopierName(slotName), Tenant: pool.RoleName(slotName), Mark: slotMark,
		},
		StandIn: &events.JobDatabase{
			Host: p.now.Host, Port: p.now.Port, Name: pool.DatabaseName(p.standIn.Name), Username: pool.RoleName(p.standIn.Name),
			Tenant: pool.RoleName(p.standIn.Name), Mark: p.standIn.Mark,
		},
	}
	job.Database.SecretARN, job.StandIn.SecretARN = p.secretOf(t, *job.Database, p.copier), p.secretOf(t, *job.StandIn, p.filler)
	encoded, err := json.Marshal(job)
	check(t, err)
	p.job, err = archivist.ReadJob(string(encoded))
	check(t, err)
	return p.job
}

// The task as it is wired, with two PostgreSQL servers: what a tenant had comes back, with all that makes it what it was.
func TestTheTaskBringsADatabaseBack(t *testing.T) {
	p := newPast(t, append(rows,
		"CREATE TABLE app.child (id int PRIMARY KEY, row_id int, CHECK (id > 0))", "INSERT INTO app.child VALUES (1, 1)",
		"CREATE INDEX by_row ON app.child (row_id)", "SELECT setval('app.numbers', 99)",
	)...)
	report := p.task(t, p.prepare(t))
	if report.Proof != "3 tables with 100003 rows, 1 sequences, 20 large objects" || report.Failure != "" || len(report.Found) > 0 || report.Entries != 3 {
		t.Fatalf("got %+v", report)
	}
	// Another attempt needs another stand-in.
	if again := p.task(t, p.prepareNoStandIn(t)); again.Proof != "" || again.Failure == "" {
		t.Errorf("into one that is filled: %+v", again)
	}
	check(t, p.databases.Swap(t.Context(), p.now, p.slot, p.standIn, p.kept))
	const fingerprint = `SELECT concat_ws(' ', (SELECT md5(string_agg(id || what, ',' ORDER BY id)) FROM app.rows), nextval('app.numbers'),
		(SELECT count(*) FROM pg_constraint WHERE conrelid = 'app.child'::regclass), (SELECT count(*) FROM pg_indexes WHERE schemaname = 'app'),
		(SELECT string_agg(convert_from(lo_get(oid), 'UTF8'), ',' ORDER BY oid) FROM pg_largeobject_metadata),
		(SELECT string_agg(relname || relrowsecurity || relforcerowsecurity, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace),
		(SELECT count(*) FROM app.secret), (SELECT count(*) FROM pg_class WHERE relname = 'present'))`
	check(t, p.databases.RevokeCopier(t.Context(), p.then, p.slot))
	check(t, p.databases.Reopen(t.Context(), p.then, p.slot))
	was := text(t, as(t, p.then, slotName, pool.RoleName(slotName), p.tenant), fingerprint)
	if is := text(t, as(t, p.now, slotName, pool.RoleName(slotName), p.tenant), fingerprint); is != was {
		t.Errorf("it was\n%s\nand is\n%s", was, is)
	}
}

// prepareNoStandIn is another attempt's job, with the stand-in as the one before has left it.
func (p *past) prepareNoStandIn(t testing.TB) events.ArchivistJob {
	t.Helper()
	p.attempt++
	job := p.job
	job.Attempt = p.attempt
	return job
}

// What a tenant wrote runs while its database is brought back. It reaches its stand-in alone, and loses no row.
func TestTheTaskBringsAHostileDatabaseBack(t *testing.T) {
	p := newPast(t,
		"CREATE TABLE app.found (what text)",
		`CREATE FUNCTION app.try(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
			EXECUTE statement; INSERT INTO app.found VALUES (statement);
			EXCEPTION WHEN OTHERS THEN NULL; END $$`,
		`CREATE FUNCTION app.check(i int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
			RESET ROLE; RESET SESSION AUTHORIZATION;
			IF current_user LIKE 't_standin%' THEN
				PERFORM app.try('CREATE ROLE escaped SUPERUSER'), app.try('SET ROLE headroom'), app.try('CREATE DATABASE escaped'),
					app.try('COPY app.found FROM PROGRAM ''id'''), app.try('ALTER SYSTEM SET work_mem = 64'), app.try('SELECT pg_read_file(''PG_VERSION'')'),
					app.try('GRANT t_leaving00001 TO CURRENT_USER'), app.try('ALTER DATABASE d_leaving00001 OWNER TO CURRENT_USER');
				CREATE SCHEMA IF NOT EXISTS headroom;
				CREATE TABLE IF NOT EXISTS headroom.forced (relation oid PRIMARY KEY);
			END IF;
			RETURN true; END $$`,
		"CREATE TABLE app.bait (i int CHECK (app.check(i)))", "INSERT INTO app.bait SELECT generate_series(1, 1000)",
		"CREATE TABLE app.secret (owner text)", "INSERT INTO app.secret VALUES ('a'), ('b')",
		"CREATE POLICY nobody ON app.secret USING (false)", "ALTER TABLE app.secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
		"SELECT count(lo_from_bytea(0, '\\x00')) FROM generate_series(1, 3000)",
	)
	report := p.task(t, p.prepare(t))
	if !strings.HasPrefix(report.Proof, "3 tables with 1002 rows") || !strings.HasSuffix(report.Proof, "3000 large objects") {
		t.Fatalf("got %+v", report)
	}
	check(t, p.databases.Swap(t.Context(), p.now, p.slot, p.standIn, p.kept))
	conn := as(t, p.now, slotName, pool.RoleName(slotName), p.tenant)
	got := text(t, conn, `SELECT concat_ws(' ', (SELECT count(*) FROM app.bait), (SELECT count(*) FROM app.found), (SELECT count(*) FROM app.secret),
		(SELECT count(*) FROM pg_roles WHERE rolname = 'escaped'), (SELECT count(*) FROM pg_namespace WHERE nspname = 'headroom'),
		(SELECT count(*) FROM pg_database WHERE datname = 'escaped'))`)
	if got != "1000 0 0 0 0 0" {
		t.Errorf("got %s", got)
	}
}

func TestTheTaskBringsFilesBack(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	buckets, err := locals3.New(locals3.Config{Account: endpointtest.Account, Region: endpointtest.Region, Dir: t.TempDir(), Now: func() time.Time { return now }})
	check(t, err)
	cfg := endpointtest.Serve(t, buckets.Service())
	client := s3.NewFromConfig(cfg)
	fillBuckets(t, client)
	at := now.Add(time.Minute)
	now = now.Add(time.Hour)
	for _, key := range keys {
		if len(key) < 300 { // the others stay as they were
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(share), Key: &key, Body: strings.NewReader("now")})
			check(t, err)
		}
	}
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Networks":[{"IPv4Addresses":["127.0.0.1"]}]}`)
	}))
	t.Cleanup(metadata.Close)
	authorities := t.TempDir() + "/rds-ca.pem"
	authority, err := postgresql.NewAuthority()
	check(t, err)
	check(t, os.WriteFile(authorities, authority.PEM(), 0o644))
	job := events.ArchivistJob{
		Version: events.Version, Type: events.TypeArchivistJob, Job: events.JobRestoreFiles, Of: events.OfRestoration, ID: "acme.restore-1", Attempt: 1, TenantID: "acme",
		Bucket: share, Mark: "share-standard-1/x7c2m9q4ab/1/1", At: events.Time{Time: at}, Folder: "restored-20261126T120100Z/",
	}
	handler, err := build(t.Context(), cfg, archivist.Environment{Reports: "http://localhost/none", Authorities: authorities, RestoreMost: 180, Metadata: metadata.URL}, job)
	check(t, err)
	heard := &reports{t: t, secret: "none"}
	handler.Reports = heard
	check(t, handler.Do(t.Context(), job))
	if heard.last.Entries != int64(len(keys)) || !strings.Contains(heard.last.Proof, fmt.Sprintf("%d files", len(keys))) {
		t.Fatalf("got %+v", heard.last)
	}
	for _, key := range keys {
		out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(share), Key: aws.String(job.Folder + key)})
		check(t, err)
		got, err := io.ReadAll(out.Body)
		check(t, errors.Join(err, out.Body.Close()))
		if string(got) != content(key) {
			t.Errorf("%q has %d bytes, had %d", key, len(got), len(content(key)))
		}
	}
}
