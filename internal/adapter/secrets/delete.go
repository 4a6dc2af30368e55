package secrets

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
)

// Copier is Tenant for the credentials of a role that copies a tenant's database: name says for which attempt, and the
// secret lasts as long as that.
func (v *Vault) Copier(ctx context.Context, name string, fill func(password string) events.Credentials) (events.Credentials, string, error) {
	return v.make(ctx, secret{
		name: v.CopierPrefix + name, description: "How a task logs in that copies a database",
		tags: map[string]string{"headroom:copier": name},
	}, fill)
}

// Credentials reads what Copier made, by its secret's ARN.
func (v *Vault) Credentials(ctx context.Context, arn string) (events.Credentials, error) {
	var stored events.Credentials
	_, err := v.read(ctx, arn, &stored)
	return stored, err
}

// DeleteCopier deletes what Copier made, for good. One that is not there is deleted.
func (v *Vault) DeleteCopier(ctx context.Context, name string) error {
	return v.DeleteSecret(ctx, v.CopierPrefix+name)
}

// DeleteTenant deletes the secret of a tenant's signup with a mark, for good. One that is not there is deleted.
func (v *Vault) DeleteTenant(ctx context.Context, tenantID, mark string) error {
	if !markPattern().MatchString(mark) {
		return fmt.Errorf("delete the secret of tenant %s: %w", tenantID, errBadMark)
	}
	return v.DeleteSecret(ctx, v.Prefix+tenantID+"/"+mark)
}

// DeleteSecret deletes a secret by its name or ARN, for good: without a window in which it could be restored. One that is not
// there is deleted.
func (v *Vault) DeleteSecret(ctx context.Context, id string) error {
	_, err := v.Client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: &id, ForceDeleteWithoutRecovery: aws.Bool(true)})
	if err != nil && !awsclient.IsNotFound(err) {
		return fmt.Errorf("delete secret %s: %w", id, err)
	}
	return nil
}
