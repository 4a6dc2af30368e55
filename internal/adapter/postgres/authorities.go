package postgres

import (
	"crypto/x509"
	"fmt"
	"os"
)

// ReadAuthorities reads the certificates of those who may sign for an instance from a file of PEM
// blocks.
func ReadAuthorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the database authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the database authorities: %s holds no certificate", path)
	}
	return pool, nil
}
