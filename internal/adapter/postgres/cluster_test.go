package postgres

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"headroom/internal/local/machine/postgresql"
)

// rdsInstance is a server as the local RDS starts one, with the credentials of its master user.
type rdsInstance struct {
	*postgresql.Server
	Username, Password string
	RootCAs            *x509.CertPool
}

// startInstance starts an instance with the given parameters. What has to be kept for it is in dir.
func startInstance(ctx context.Context, dir string, parameters map[string]string) (*rdsInstance, error) {
	authority, err := postgresql.NewAuthority()
	if err != nil {
		return nil, err
	}
	c := &rdsInstance{Username: "headroom", Password: rand.Text()}
	if c.RootCAs, err = trust(dir, authority); err != nil {
		return nil, err
	}
	program, err := postgresql.Find(dir)
	if err != nil {
		return nil, err
	}
	c.Server, err = program.Start(ctx, postgresql.Config{
		Name: "instance", Authority: authority, Parameters: parameters, Master: c.Username, Password: c.Password,
	})
	return c, err
}

// trust reads an authority's certificate as functions do, from a file in dir.
func trust(dir string, authority *postgresql.Authority) (*x509.CertPool, error) {
	path := filepath.Join(dir, "rds-ca.pem")
	if err := os.WriteFile(path, authority.PEM(), 0o600); err != nil {
		return nil, err
	}
	return ReadAuthorities(path)
}

// Connect logs in over TLS, with the server's certificate verified.
func (c *rdsInstance) Connect(ctx context.Context, database, username, password string) (*pgx.Conn, error) {
	return c.connect(ctx, database, username, password, &tls.Config{RootCAs: c.RootCAs, ServerName: postgresql.Host, MinVersion: tls.VersionTLS12})
}

// ConnectPlain logs in without TLS, which the server refuses.
func (c *rdsInstance) ConnectPlain(ctx context.Context, database, username, password string) (*pgx.Conn, error) {
	return c.connect(ctx, database, username, password, nil)
}

func (c *rdsInstance) connect(ctx context.Context, database, username, password string, tlsConfig *tls.Config) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("host=" + postgresql.Host + " sslmode=disable connect_timeout=10")
	if err != nil {
		return nil, err
	}
	config.Port = uint16(c.Port())
	config.Database, config.User, config.Password = database, username, password
	config.TLSConfig = tlsConfig
	return pgx.ConnectConfig(ctx, config)
}
