package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"headroom/events"
	cloudclient "headroom/internal/adapter/awsclient"
	"headroom/internal/local/nfsclient"
)

// Proof is one thing that was tried, and whether it went as it must.
type Proof struct {
	Kind string // what is tried of each tenant
	What string // what was tried
	Err  error  // nil: it held
}

// The kinds of proofs that Prove makes.
const (
	ownDatabase     = "a tenant writes and reads its own database"
	ownShare        = "a tenant writes and reads its own share"
	foreignDatabase = "a tenant's password is refused at its neighbour's database"
	foreignShare    = "a tenant's address is refused at its neighbour's share"
	plainText       = "a tenant is refused at its own database without TLS"
)

// nfsPort is where a gateway serves NFS, and here the mount protocol too.
const nfsPort = 2049

// proofTimeout bounds each single attempt.
const proofTimeout = 10 * time.Second

// Prove tries, with each tenant's own credentials from its own address, what it must be able to do,
// and what it must not be able to do to its neighbours. What was not tried before ctx is over is not among
// them: then the error is ctx's cause, and nothing is proven either way.
func Prove(ctx context.Context, cloud Cloud, tenants []Tenant) ([]Proof, error) {
	var done trials
	try := func(kind, what string, f func(context.Context) error) { done.try(ctx, kind, what, f) }
	for _, t := range tenants {
		try(ownDatabase, t.ID+" writes and reads its database", func(ctx context.Context) error { return useDatabase(ctx, cloud, t) })
		try(ownShare, t.ID+" writes and reads its share", func(ctx context.Context) error { return useShare(ctx, cloud, t) })
	}
	for i, a := range tenants {
		b := tenants[(i+1)%len(tenants)]
		if a.ID == b.ID {
			break
		}
		try(foreignDatabase, a.ID+" with its password is refused at the database of "+b.ID, func(ctx context.Context) error {
			return refusedAtDatabase(ctx, cloud, a, b)
		})
		try(foreignShare, b.ID+" from its address is refused at the share of "+a.ID, func(ctx context.Context) error {
			return refusedAtShare(ctx, cloud, a, b)
		})
	}
	if len(tenants) > 0 {
		t := tenants[0]
		try(plainText, t.ID+" is refused without TLS", func(ctx context.Context) error { return refusedInPlainText(ctx, t) })
	}
	return done, context.Cause(ctx)
}

// trials are proofs in the order in which they were tried.
type trials []Proof

// try tries one thing more, unless ctx is over.
func (all *trials) try(ctx context.Context, kind, what string, f func(context.Context) error) {
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	*all = append(*all, Proof{Kind: kind, What: what, Err: f(ctx)})
}

// Connect logs in to a database with its credentials, with TLS verified against the local cloud's authority.
func Connect(ctx context.Context, cloud Cloud, c events.Credentials) (*pgx.Conn, error) {
	return connect(ctx, cloud, c, c.Host, c.Port, c.DBName)
}

// connect logs in to any database with somebody's credentials.
func connect(ctx context.Context, cloud Cloud, c events.Credentials, host string, port int, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("")
	if err != nil {
		return nil, fmt.Errorf("configure the connection of %s: %w", c.Username, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(cloud.DatabaseCA()) {
		return nil, errors.New("the certificate authority of the local RDS cannot be read")
	}
	config.Host, config.Port, config.Database = host, uint16(port), database
	config.User, config.Password = c.Username, c.Password
	config.TLSConfig, config.Fallbacks = &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}, nil
	return pgx.ConnectConfig(ctx, config)
}

func useDatabase(ctx context.Context, cloud Cloud, t Tenant) error {
	db := t.Ready.Database
	conn, err := connect(ctx, cloud, t.credentials, db.Host, db.Port, db.Name)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS app.note (text text)"); err != nil {
		return fmt.Errorf("create a table: %w", err)
	}
	if _, err := conn.Exec(ctx, "INSERT INTO app.note VALUES ($1)", t.ID); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var text string
	if err := conn.QueryRow(ctx, "SELECT text FROM app.note LIMIT 1").Scan(&text); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if text != t.ID {
		return fmt.Errorf("read %q, wrote %q", text, t.ID)
	}
	return nil
}

// refusedAtDatabase holds when a's role may not connect to b's database, although it may log in to
// that very server or its password is unknown there.
func refusedAtDatabase(ctx context.Context, cloud Cloud, a, b Tenant) error {
	db := b.Ready.Database
	conn, err := connect(ctx, cloud, a.credentials, db.Host, db.Port, db.Name)
	if err == nil {
		_ = conn.Close(ctx)
		return errors.New("it was let in")
	}
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("it was not refused by PostgreSQL: %w", err)
	}
	// 42501: no CONNECT on the database; 28P01: the role is unknown on that server.
	if refusal.Code != "42501" && refusal.Code != "28P01" {
		return fmt.Errorf("it was refused for another reason: %w", err)
	}
	return nil
}

func refusedInPlainText(ctx context.Context, t Tenant) error {
	config, err := pgx.ParseConfig("")
	if err != nil {
		return fmt.Errorf("configure the connection of %s: %w", t.ID, err)
	}
	db := t.Ready.Database
	config.Host, config.Port, config.Database = db.Host, uint16(db.Port), db.Name
	config.User, config.Password, config.TLSConfig, config.Fallbacks = t.credentials.Username, t.credentials.Password, nil, nil
	conn, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		_ = conn.Close(ctx)
		return errors.New("it was let in")
	}
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || refusal.Code != "28000" || !strings.Contains(refusal.Message, "no encryption") {
		return fmt.Errorf("it was refused for another reason: %w", err)
	}
	return nil
}

func mount(ctx context.Context, cloud Cloud, from, of Tenant) (*nfsclient.Client, error) {
	address, err := cloud.Resolve(of.Ready.Share.Host)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", of.Ready.Share.Host, err)
	}
	source, err := netip.ParseAddr(from.Instance)
	if err != nil {
		return nil, fmt.Errorf("read the address of %s: %w", from.ID, err)
	}
	return nfsclient.Dial(ctx, netip.AddrPortFrom(address, nfsPort), source, of.Ready.Share.Path)
}

// mountPatiently mounts a tenant's own share as an instance does: a firewall rule that is new takes a
// moment to be in force, so a mount that is refused is tried again.
func mountPatiently(ctx context.Context, cloud Cloud, t Tenant) (client *nfsclient.Client, err error) {
	for range 20 {
		if client, err = mount(ctx, cloud, t, t); err == nil || errors.Is(err, nfsclient.ErrMountDenied) {
			return client, err // only a firewall drops a connection; a share's own no is final
		}
		if err := cloudclient.Sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, err
}

func useShare(ctx context.Context, cloud Cloud, t Tenant) error {
	client, err := mountPatiently(ctx, cloud, t)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	defer func() { _ = client.Close() }()
	if err := client.WriteFile(ctx, "note.txt", []byte(t.ID)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	text, err := client.ReadFile(ctx, "note.txt")
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if string(text) != t.ID {
		return fmt.Errorf("read %q, wrote %q", text, t.ID)
	}
	return nil
}

// refusedAtShare holds when b's address may not mount a's share.
func refusedAtShare(ctx context.Context, cloud Cloud, a, b Tenant) error {
	client, err := mount(ctx, cloud, b, a)
	if err == nil {
		_ = client.Close()
	}
	return wantRefusal(err)
}

// wantRefusal wants an error to be a gateway's refusal.
func wantRefusal(err error) error {
	if err == nil {
		return errors.New("it was let in")
	}
	if !nfsclient.Refused(err) {
		return fmt.Errorf("it was not refused by the gateway: %w", err)
	}
	return nil
}
