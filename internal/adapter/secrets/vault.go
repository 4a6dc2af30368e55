// Package secrets keeps tenants' credentials in AWS Secrets Manager, and reads the master secrets
// that RDS keeps there.
package secrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// Reads of a secret that was just written may miss it. The pause before the second is up to
// firstPause, then doubles up to longestPause.
const (
	reads        = 6
	firstPause   = 100 * time.Millisecond
	longestPause = time.Second
)

// client is what is used of Secrets Manager. Deadlines and retries of requests are its own.
type client interface {
	CreateSecret(context.Context, *secretsmanager.CreateSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.CreateSecretOutput, error)
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
	DeleteSecret(context.Context, *secretsmanager.DeleteSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.DeleteSecretOutput, error)
	TagResource(context.Context, *secretsmanager.TagResourceInput, ...func(*secretsmanager.Options)) (*secretsmanager.TagResourceOutput, error)
}

// Config is what a Vault is built from. All of it is required to make tenants' secrets; reading
// master secrets takes no more than Client, Sleep and Jitter.
type Config struct {
	Client       client
	Stage        string                                     // for the tag headroom:stage
	Prefix       string                                     // of the names of tenants' secrets, such as headroom/dev/tenant/
	CopierPrefix string                                     // of the names of copiers' secrets, where any are made, such as headroom/dev/copier/
	KeyID        string                                     // ARN of the KMS key that encrypts them
	Random       io.Reader                                  // a source fit for passwords: crypto/rand's
	Sleep        func(context.Context, time.Duration) error // between two reads; ends early with its context
	Jitter       func() float64                             // in [0, 1), spreads out reads
}

// Vault makes and reads secrets. It keeps none.
type Vault struct{ Config }

// New is a vault.
func New(config Config) *Vault { return &Vault{config} }

// errBadMark means that a signup's mark is none: without one, a name would be that of every signup of the
// tenant.
var errBadMark = errors.New("the mark is not 1 to 32 letters and digits")

// markPattern keeps a name within Secrets Manager's 512 characters, a mark from being more than the last
// part of it, and that part from looking like the end of an ARN, which is a hyphen and six characters.
var markPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`) })

// Tenant returns a tenant's credentials and the ARN of the secret that holds them. The first call
// makes a password, lets fill put it into the credentials, and stores those; every later call, and
// all but one of several at once, returns what was stored. If that is not what fill makes of its
// password, the error is pool.ErrOtherDatabase.
//
// The mark is that of the tenant's signup, and the end of the secret's name: names of secrets that are
// scheduled for deletion are neither free nor taken for up to 30 days, and those of an earlier life of
// the tenant, or of somebody else's making, are not this signup's.
func (v *Vault) Tenant(ctx context.Context, tenantID, mark string, fill func(password string) events.Credentials) (events.Credentials, string, error) {
	if !markPattern().MatchString(mark) {
		return events.Credentials{}, "", fmt.Errorf("make the secret of tenant %s: %w", tenantID, errBadMark)
	}
	return v.make(ctx, secret{
		name: v.Prefix + tenantID + "/" + mark, description: "Where the database of tenant " + tenantID + " is, and how to log in",
		tags: map[string]string{"headroom:tenant": tenantID}, database: true,
	}, fill)
}

// secret is what a secret is called.
type secret struct {
	name, description string
	tags              map[string]string // beside that of the stage
	// database has it tagged with the name of the database that its credentials are for: should the table be put back to
	// an earlier time, or be lost, whose a database is can be told without reading a password.
	database bool
}

func databaseTag(c events.Credentials) types.Tag {
	return types.Tag{Key: aws.String("headroom:database"), Value: aws.String(c.DBName)}
}

// make makes a secret, or reads the one that is there.
func (v *Vault) make(ctx context.Context, s secret, fill func(password string) events.Credentials) (events.Credentials, string, error) {
	made, err := password(v.Random)
	if err != nil {
		return events.Credentials{}, "", err
	}
	credentials := fill(made)
	// Commit point: whichever call creates the secret has made the password.
	arn, err := v.create(ctx, s, credentials)
	if err == nil {
		return credentials, arn, nil
	}
	if !awsclient.IsAlreadyExists(err) {
		return events.Credentials{}, "", fmt.Errorf("create secret %s: %w", s.name, err)
	}
	var stored events.Credentials
	if arn, err = v.read(ctx, s.name, &stored); err != nil {
		return events.Credentials{}, "", err
	}
	if stored != fill(stored.Password) {
		return events.Credentials{}, "", fmt.Errorf("read secret %s: %w", s.name, pool.ErrOtherDatabase)
	}
	return stored, arn, nil
}

// Master reads the login of an RDS instance's master user. RDS changes the password every week: read
// it when it is needed and don't keep it.
func (v *Vault) Master(ctx context.Context, arn string) (username, password string, err error) {
	var stored struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if _, err := v.read(ctx, arn, &stored); err != nil {
		return "", "", err
	}
	if stored.Username == "" || stored.Password == "" {
		return "", "", fmt.Errorf("read secret %s: it has no username or no password", arn)
	}
	return stored.Username, stored.Password, nil
}

func (v *Vault) create(ctx context.Context, s secret, credentials events.Credentials) (arn string, err error) {
	value, err := json.Marshal(credentials)
	if err != nil {
		return "", fmt.Errorf("encode credentials: %w", err)
	}
	token := sha256.Sum256([]byte(s.name))
	tags := []types.Tag{{Key: aws.String("headroom:stage"), Value: aws.String(v.Stage)}}
	if s.database {
		tags = append(tags, databaseTag(credentials))
	}
	for _, key := range slices.Sorted(maps.Keys(s.tags)) {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(s.tags[key])})
	}
	created, err := v.Client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name:         aws.String(s.name),
		Description:  aws.String(s.description),
		SecretString: aws.String(string(value)),
		KmsKeyId:     aws.String(v.KeyID),
		// The same token in every call: at most one of them makes the first version.
		ClientRequestToken: aws.String(hex.EncodeToString(token[:])),
		Tags:               tags,
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(created.ARN), nil
}

// read decodes the current value of a secret, by name or ARN. A secret that is not there is looked
// for a little longer, for it may just have been written.
func (v *Vault) read(ctx context.Context, id string, value any) (arn string, err error) {
	for attempt := 1; ; attempt++ {
		found, err := v.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
		if err == nil {
			if json.Unmarshal([]byte(aws.ToString(found.SecretString)), value) != nil {
				// The decoder's own words could repeat a part of the secret.
				return "", fmt.Errorf("read secret %s: its value is not the JSON that was expected", id)
			}
			return aws.ToString(found.ARN), nil
		}
		if !awsclient.IsNotFound(err) || attempt == reads {
			return "", fmt.Errorf("read secret %s: %w", id, err)
		}
		limit := min(firstPause<<(attempt-1), longestPause)
		// Half of it for certain: without any pause, the next read would come too soon as well.
		if slept := v.Sleep(ctx, limit/2+time.Duration(v.Jitter()*float64(limit/2))); slept != nil {
			return "", fmt.Errorf("read secret %s: %w", id, errors.Join(err, slept))
		}
	}
}
