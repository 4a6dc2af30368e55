// Package postgrestest starts real PostgreSQL clusters that look like RDS instances: TLS only, with
// a certificate of an authority of their own, and a master user who is no superuser.
package postgrestest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/parts"
)

const (
	superuser    = "rdsadmin"       // as on RDS, where nobody but AWS can log in as it
	startTimeout = 30 * time.Second // for initdb, and again for the first connection
	stopTimeout  = 5 * time.Second  // for a shutdown that writes everything down
)

// Config says what cluster to start. The zero value starts one for a test.
type Config struct {
	Port     int               // on 127.0.0.1; 0 for any that is free
	Names    []string          // that the certificate is good for, besides 127.0.0.1 and localhost
	CA       *CA               // nil for a new one
	Username string            // of the master user; "" for "headroom"
	Password string            // of the master user; "" for a random one
	Settings map[string]string // for postgresql.conf, such as temp_file_limit: 1MB
}

// Cluster is a running PostgreSQL cluster. Username and Password are the master user's, who may
// create roles and databases and belongs to rds_superuser, but is no superuser.
type Cluster struct {
	Host               string
	Port               int
	Username, Password string
	CA                 *CA

	adminPassword string
	dir           *parts.TempDir
	server        *parts.Process
	log           *os.File
}

// Start starts a cluster and waits until it answers. Without a PostgreSQL server on the machine the
// error is ErrMissing.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	cluster, err := prepare(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*startTimeout)
	defer cancel()
	if err := cluster.start(ctx, bin, config); err != nil {
		return nil, errors.Join(err, cluster.Close())
	}
	return cluster, nil
}

// prepare settles all that can be settled before a program runs.
func prepare(config Config) (*Cluster, error) {
	var err error
	c := &Cluster{
		Host: "127.0.0.1", Port: config.Port, Username: config.Username, Password: config.Password,
		CA: config.CA, adminPassword: rand.Text(),
	}
	if c.Username == "" {
		c.Username = "headroom"
	}
	if c.Password == "" {
		c.Password = rand.Text()
	}
	if c.CA == nil {
		if c.CA, err = NewCA(); err != nil {
			return nil, err
		}
	}
	if c.Port == 0 {
		if c.Port, err = parts.FreePort(); err != nil {
			return nil, fmt.Errorf("find a port for PostgreSQL: %w", err)
		}
	}
	if c.dir, err = parts.NewTempDir("headroom-postgres-*"); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, bin string, config Config) error {
	owner, err := unprivileged()
	if err != nil {
		return err
	}
	if err := owner.own(c.dir.Path); err != nil {
		return err
	}
	if err := c.initdb(ctx, bin, owner); err != nil {
		return err
	}
	if err := c.configure(config, owner); err != nil {
		return err
	}
	if c.log, err = os.Create(filepath.Join(c.dir.Path, "log")); err != nil {
		return fmt.Errorf("make PostgreSQL's log: %w", err)
	}
	server := owner.command(filepath.Join(bin, "postgres"), "-D", c.data())
	server.Stdout, server.Stderr = c.log, c.log
	if c.server, err = parts.Start(server); err != nil {
		return err
	}
	if err := c.await(ctx); err != nil {
		return fmt.Errorf("wait for PostgreSQL: %w\n%s", err, c.Log())
	}
	return c.likeRDS(ctx)
}

// Close stops the cluster and deletes its data.
func (c *Cluster) Close() error {
	if c.server != nil {
		// SIGINT ends sessions and shuts down; SIGTERM would wait for the sessions to end.
		_ = syscall.Kill(c.server.PID(), syscall.SIGINT)
		select {
		case <-c.server.Done():
		case <-time.After(stopTimeout):
			c.server.Kill()
			<-c.server.Done()
		}
	}
	if c.log != nil {
		_ = c.log.Close()
	}
	return c.dir.Remove()
}

// Log is all that the server has logged so far.
func (c *Cluster) Log() string {
	content, err := os.ReadFile(filepath.Join(c.dir.Path, "log"))
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// Connect logs in to a database over TLS, with the server's certificate verified.
func (c *Cluster) Connect(ctx context.Context, database, username, password string) (*pgx.Conn, error) {
	return c.connect(ctx, database, username, password, &tls.Config{RootCAs: c.CA.Pool(), ServerName: c.Host, MinVersion: tls.VersionTLS12})
}

// ConnectPlain logs in without TLS, which the server refuses.
func (c *Cluster) ConnectPlain(ctx context.Context, database, username, password string) (*pgx.Conn, error) {
	return c.connect(ctx, database, username, password, nil)
}

// Superuser logs in as the superuser, whom RDS gives to nobody: for preparing and looking only.
func (c *Cluster) Superuser(ctx context.Context, database string) (*pgx.Conn, error) {
	return c.Connect(ctx, database, superuser, c.adminPassword)
}

func (c *Cluster) connect(ctx context.Context, database, username, password string, tlsConfig *tls.Config) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable connect_timeout=10")
	if err != nil {
		return nil, fmt.Errorf("make a connection's configuration: %w", err)
	}
	config.Port = uint16(c.Port)
	config.Database, config.User, config.Password = database, username, password
	config.TLSConfig = tlsConfig
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s as %s: %w", database, username, err)
	}
	return conn, nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir.Path, "data") }

// await waits until the server answers, or has ended.
func (c *Cluster) await(ctx context.Context) error {
	for {
		conn, err := c.Superuser(ctx, "postgres")
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.server.Done():
			return fmt.Errorf("it ended early: %w", c.server.Err())
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
