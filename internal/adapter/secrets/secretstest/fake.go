// Package secretstest has a stateful fake of AWS Secrets Manager in memory.
package secretstest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/constraint"
)

// Fake is a Secrets Manager. Like the real one it is eventually consistent: a new secret is there
// for whoever creates it again, but not yet for the next few who read it. The zero value is empty
// and consistent.
type Fake struct {
	// Lag is how many reads of a new secret miss it.
	Lag int
	// Now is by which clock secrets are made; nil: it is not told when they were.
	Now func() time.Time

	// Fault is asked before each call of an operation, by its name. An error is what the caller gets;
	// applied means that the call takes effect all the same: written, but the reply was lost.
	Fault func(operation string) (applied bool, err error)

	mu      sync.Mutex
	secrets map[string]*Secret
	made    int
}

// Secret is a secret as it is stored.
type Secret struct {
	Name, ARN, Value, KeyID string
	Tags                    map[string]string
	Made                    time.Time

	token     string
	values    map[string]string // that were put, by their tokens
	misses    int
	scheduled bool // for deletion
}

// Scheduled reports whether the secret is scheduled for deletion.
func (s Secret) Scheduled() bool { return s.scheduled }

// Put stores a secret as somebody else would, such as RDS. It can be read at once.
func (f *Fake) Put(name, value string) (arn string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.put(&Secret{Name: name, Value: value}).ARN
}

// Schedule schedules a secret for deletion: for 7 to 30 days its name is neither free nor taken.
func (f *Fake) Schedule(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secrets[name].scheduled = true
}

// Secrets returns copies of all secrets by name.
func (f *Fake) Secrets() map[string]Secret {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string]Secret, len(f.secrets))
	for name, secret := range f.secrets {
		all[name] = *secret
	}
	return all
}

// CreateSecret refuses a name that is taken, unless token and value are those that made it.
func (f *Fake) CreateSecret(_ context.Context, in *secretsmanager.CreateSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.CreateSecretOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	applied, fault := f.strike("CreateSecret")
	if fault != nil && !applied {
		return nil, fault
	}
	name, token := aws.ToString(in.Name), aws.ToString(in.ClientRequestToken)
	if r := constraint.Secret(in.Name, in.SecretString, in.ClientRequestToken); r != nil {
		return nil, &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
	}
	secret, taken := f.secrets[name]
	if taken && secret.scheduled {
		return nil, &types.InvalidRequestException{Message: aws.String("You can't create this secret because a secret with this name is already scheduled for deletion.")}
	}
	if taken && (secret.token != token || secret.Value != aws.ToString(in.SecretString)) {
		return nil, &types.ResourceExistsException{Message: aws.String("The operation failed because the secret " + name + " already exists.")}
	}
	if !taken {
		secret = f.put(&Secret{
			Name: name, Value: aws.ToString(in.SecretString), KeyID: aws.ToString(in.KmsKeyId),
			Tags: map[string]string{}, token: token, misses: f.Lag,
		})
		for _, tag := range in.Tags {
			secret.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	if fault != nil {
		return nil, fault
	}
	return &secretsmanager.CreateSecretOutput{ARN: aws.String(secret.ARN), Name: in.Name, VersionId: in.ClientRequestToken}, nil
}

// GetSecretValue reads a secret by name or ARN.
func (f *Fake) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, fault := f.strike("GetSecretValue"); fault != nil {
		return nil, fault
	}
	for _, secret := range f.secrets {
		if id := aws.ToString(in.SecretId); id != secret.Name && id != secret.ARN {
			continue
		}
		if secret.scheduled {
			return nil, &types.InvalidRequestException{Message: aws.String("You can't perform this operation on the secret because it was marked for deletion.")}
		}
		if secret.misses > 0 {
			secret.misses--
			break
		}
		return &secretsmanager.GetSecretValueOutput{
			ARN: aws.String(secret.ARN), Name: aws.String(secret.Name), SecretString: aws.String(secret.Value),
		}, nil
	}
	return nil, &types.ResourceNotFoundException{Message: aws.String("Secrets Manager can't find the specified secret.")}
}

// changeable finds a secret by its name or ARN. One that is scheduled for deletion can't be changed.
func (f *Fake) changeable(id string) (*Secret, error) {
	for _, secret := range f.secrets {
		if id != secret.Name && id != secret.ARN {
			continue
		}
		if secret.scheduled {
			return nil, &types.InvalidRequestException{Message: aws.String("You can't perform this operation on the secret because it was marked for deletion.")}
		}
		return secret, nil
	}
	return nil, &types.ResourceNotFoundException{Message: aws.String("Secrets Manager can't find the specified secret.")}
}

// PutSecretValue gives a secret another value. The token of an earlier value is refused, unless it is that value.
func (f *Fake) PutSecretValue(_ context.Context, in *secretsmanager.PutSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	applied, fault := f.strike("PutSecretValue")
	if fault != nil && !applied {
		return nil, fault
	}
	secret, err := f.changeable(aws.ToString(in.SecretId))
	if err != nil {
		return nil, err
	}
	token, value := aws.ToString(in.ClientRequestToken), aws.ToString(in.SecretString)
	if earlier, used := secret.values[token]; used && earlier != value {
		return nil, &types.ResourceExistsException{Message: aws.String("The version ID " + token + " already exists.")}
	} else if !used {
		if secret.values == nil {
			secret.values = map[string]string{}
		}
		secret.values[token], secret.Value = value, value
	}
	if fault != nil {
		return nil, fault
	}
	return &secretsmanager.PutSecretValueOutput{ARN: aws.String(secret.ARN), Name: aws.String(secret.Name), VersionId: in.ClientRequestToken}, nil
}

// TagResource adds tags to a secret; those of the same keys get other values.
func (f *Fake) TagResource(_ context.Context, in *secretsmanager.TagResourceInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.TagResourceOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	applied, fault := f.strike("TagResource")
	if fault != nil && !applied {
		return nil, fault
	}
	secret, err := f.changeable(aws.ToString(in.SecretId))
	if err != nil {
		return nil, err
	}
	tags := maps.Clone(secret.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	for _, tag := range in.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	secret.Tags = tags // copies of the secret keep what they had
	if fault != nil {
		return nil, fault
	}
	return &secretsmanager.TagResourceOutput{}, nil
}

// DeleteSecret deletes a secret for good. One that is not there is deleted, as Secrets Manager has it where it is forced.
func (f *Fake) DeleteSecret(_ context.Context, in *secretsmanager.DeleteSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.DeleteSecretOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	applied, fault := f.strike("DeleteSecret")
	if fault != nil && !applied {
		return nil, fault
	}
	if !aws.ToBool(in.ForceDeleteWithoutRecovery) {
		return nil, &types.InvalidRequestException{Message: aws.String("This fake only deletes for good.")}
	}
	for name, secret := range f.secrets {
		if id := aws.ToString(in.SecretId); id == secret.Name || id == secret.ARN {
			delete(f.secrets, name)
		}
	}
	if fault != nil {
		return nil, fault
	}
	return &secretsmanager.DeleteSecretOutput{Name: in.SecretId}, nil
}

func (f *Fake) strike(operation string) (applied bool, err error) {
	if f.Fault == nil {
		return false, nil
	}
	return f.Fault(operation)
}

func (f *Fake) put(secret *Secret) *Secret {
	if f.secrets == nil {
		f.secrets = map[string]*Secret{}
	}
	// Six characters follow the name in an ARN, so that a later secret of this name has another one.
	suffix := fmt.Sprintf("%06d", f.made)
	secret.ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:" + strings.TrimPrefix(secret.Name, "/") + "-" + suffix
	if f.Now != nil {
		secret.Made = f.Now()
	}
	f.secrets[secret.Name] = secret
	f.made++
	return secret
}
