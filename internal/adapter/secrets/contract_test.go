package secrets_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"headroom/internal/adapter/secrets/secretstest"
	"headroom/internal/local/endpoint/endpointtest"
	localsecrets "headroom/internal/local/service/secretsmanager"
)

func TestTheFakeKeepsSecretsAsSecretsManagerDoes(t *testing.T) {
	secretstest.Suite(t, func(*testing.T) secretstest.World {
		fake := &secretstest.Fake{}
		return secretstest.World{Client: fake, Schedule: func(_ *testing.T, name string) { fake.Schedule(name) }}
	})
}

func TestTheLocalCloudKeepsSecretsAsSecretsManagerDoes(t *testing.T) {
	secretstest.Suite(t, func(t *testing.T) secretstest.World {
		local := localsecrets.New(localsecrets.Config{Account: endpointtest.Account, Region: endpointtest.Region, Lag: time.Nanosecond})
		client := secretsmanager.NewFromConfig(endpointtest.Serve(t, local.Service()))
		return secretstest.World{Client: client, Schedule: func(t *testing.T, name string) {
			if _, err := client.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: &name}); err != nil {
				t.Fatal(err)
			}
		}}
	})
}
