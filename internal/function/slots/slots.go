// Package slots wires what slots are made and opened by: PostgreSQL, Storage Gateway and Secrets
// Manager.
package slots

import (
	"crypto/rand"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/postgres"
	"headroom/internal/adapter/secrets"
)

// Databases makes the adapter of database hosts, whose certificates are checked against rds-ca.pem in
// the folder of the function's code.
func Databases(taskRoot string) (*postgres.Adapter, error) {
	authorities, err := postgres.ReadAuthorities(filepath.Join(taskRoot, "rds-ca.pem"))
	if err != nil {
		return nil, err
	}
	return postgres.New(postgres.Config{RootCAs: authorities, Random: rand.Reader, Sleep: awsclient.Sleep, Jitter: awsclient.Jitter})
}

// Gateways makes the client of Storage Gateway, which may take as long as wait to answer, because it
// asks the appliance.
func Gateways(cfg aws.Config, wait time.Duration) *gateway.Gateways {
	return &gateway.Gateways{Client: storagegateway.NewFromConfig(awsclient.OneWait(cfg, wait)), Region: cfg.Region}
}

// Masters makes a vault that reads the master secrets of database hosts.
func Masters(cfg aws.Config) *secrets.Vault {
	return secrets.New(secrets.Config{Client: secretsmanager.NewFromConfig(cfg), Sleep: awsclient.Sleep, Jitter: awsclient.Jitter})
}

// Vault makes a vault that also makes tenants' secrets, whose names begin with prefix, encrypted with
// the KMS key.
func Vault(cfg aws.Config, stage, prefix, key string) *secrets.Vault {
	return secrets.New(secrets.Config{
		Client: secretsmanager.NewFromConfig(cfg), Stage: stage, Prefix: prefix, KeyID: key,
		Random: rand.Reader, Sleep: awsclient.Sleep, Jitter: awsclient.Jitter,
	})
}
