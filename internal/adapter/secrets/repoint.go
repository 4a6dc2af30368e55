package secrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"headroom/events"
)

// Repoint makes a tenant's secret say that its database is where at says, and returns what it says then. The password stays:
// so who does it again, or at the same time, stores the same, and nobody is let in by a password that another has replaced.
// Its tag says so too. id is the secret's name or ARN.
func (v *Vault) Repoint(ctx context.Context, id string, at events.Credentials) (events.Credentials, error) {
	var stored events.Credentials
	if _, err := v.read(ctx, id, &stored); err != nil {
		return stored, err
	}
	at.Password = stored.Password
	if stored == at {
		return stored, v.retag(ctx, id, at) // killed before it was tagged, it still bears the tag of before
	}
	value, err := json.Marshal(at)
	if err != nil {
		return stored, fmt.Errorf("encode credentials: %w", err)
	}
	token := sha256.Sum256(append([]byte(id+" "), value...))
	// Commit point: whoever reads the secret from here on, or a moment later, comes to the new database.
	_, err = v.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &id, SecretString: aws.String(string(value)), ClientRequestToken: aws.String(hex.EncodeToString(token[:])),
	})
	if err != nil {
		return stored, fmt.Errorf("store new credentials in secret %s: %w", id, err)
	}
	return at, v.retag(ctx, id, at)
}

// retag has a secret bear the name of the database that its credentials are for.
func (v *Vault) retag(ctx context.Context, id string, at events.Credentials) error {
	_, err := v.Client.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: &id, Tags: []types.Tag{databaseTag(at)}})
	if err != nil {
		return fmt.Errorf("tag secret %s with its database: %w", id, err)
	}
	return nil
}
