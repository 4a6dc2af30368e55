package secretstest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"headroom/internal/adapter/awsclient"
)

// World is one that stands for Secrets Manager, without secrets, in which a new secret can be read at once.
type World struct {
	Client interface {
		CreateSecret(context.Context, *secretsmanager.CreateSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.CreateSecretOutput, error)
		GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
		PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
		DeleteSecret(context.Context, *secretsmanager.DeleteSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.DeleteSecretOutput, error)
	}
	Schedule func(t *testing.T, name string) // schedules a secret for deletion
}

const (
	suiteName  = "headroom/dev/tenant/acme/k3v9x2m7qa"
	firstToken = "11111111111111111111111111111111"
)

// create asks for a secret.
func (w World) create(t *testing.T, name, value, token string) error {
	t.Helper()
	_, err := w.Client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value, ClientRequestToken: &token})
	return err
}

func (w World) read(t *testing.T, name string) (string, error) {
	t.Helper()
	out, err := w.Client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &name})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

// Suite is what Secrets Manager does, and what it refuses.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	const (
		invalid = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
		token   = "ClientRequestToken must be 32-64 characters long."
	)
	tests := []struct {
		name, secret, value, token string
		code, says                 string // of the refusal; "" when it is made
	}{
		{"a secret", suiteName, "{}", firstToken, "", ""},
		{"every character of a name", "aZ0-/_+=.@!", "{}", firstToken, "", ""},
		{"the longest name", strings.Repeat("n", 512), "{}", firstToken, "", ""},
		{"a longer name", strings.Repeat("n", 513), "{}", firstToken, "ValidationException", "at 'name' failed to satisfy constraint: Member must have length less than or equal to 512"},
		{"a name with a space", "a b", "{}", firstToken, "ValidationException", invalid},
		{"a name of another alphabet", "tenant/gerät", "{}", firstToken, "ValidationException", invalid},
		{"the largest value", suiteName, strings.Repeat("v", 65536), firstToken, "", ""},
		{"70,000 bytes", suiteName, strings.Repeat("v", 70000), firstToken, "ValidationException", "Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536"},
		{"bytes, not characters", suiteName, strings.Repeat("é", 40000), firstToken, "ValidationException", "Value at 'secretString'"},
		{"an empty value", suiteName, "", firstToken, "ValidationException", "Value at 'secretString' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"the longest token", suiteName, "{}", strings.Repeat("t", 64), "", ""},
		{"a short token", suiteName, "{}", strings.Repeat("t", 31), "InvalidParameterException", token},
		{"a long token", suiteName, "{}", strings.Repeat("t", 65), "InvalidParameterException", token},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			err := w.create(t, test.secret, test.value, test.token)
			if test.code == "" {
				if got, unread := w.read(t, test.secret); err != nil || unread != nil || got != test.value {
					t.Errorf("made: %v; read: %v", err, unread)
				}
				return
			}
			if awsclient.Code(err) != test.code || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %.300v, want %s: %s", err, test.code, test.says)
			}
			if strings.Contains(err.Error(), strings.Repeat("v", 100)) {
				t.Error("the refusal repeats the secret")
			}
		})
	}
	t.Run("the same request again, and others", func(t *testing.T) {
		w := newWorld(t)
		for range 2 {
			if err := w.create(t, suiteName, "v", firstToken); err != nil {
				t.Fatal(err)
			}
		}
		for what, err := range map[string]error{
			"another value": w.create(t, suiteName, "w", firstToken),
			"another token": w.create(t, suiteName, "v", strings.Repeat("2", 32)),
		} {
			if awsclient.Code(err) != "ResourceExistsException" {
				t.Errorf("%s: %v", what, err)
			}
		}
		if got, err := w.read(t, suiteName); err != nil || got != "v" {
			t.Errorf("it is %q, %v", got, err)
		}
	})
	t.Run("another value", func(t *testing.T) {
		w := newWorld(t)
		put := func(name, value, token string) error {
			_, err := w.Client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &value, ClientRequestToken: &token})
			return err
		}
		if err := w.create(t, suiteName, "v", firstToken); err != nil {
			t.Fatal(err)
		}
		second := strings.Repeat("2", 32)
		for range 2 { // the same request again is none
			if err := put(suiteName, "w", second); err != nil {
				t.Fatal(err)
			}
		}
		if err := put(suiteName, "x", second); awsclient.Code(err) != "ResourceExistsException" {
			t.Errorf("the token of another value: %v", err)
		}
		if err := put("headroom/dev/tenant/acme/none", "w", second); awsclient.Code(err) != "ResourceNotFoundException" {
			t.Errorf("of a secret that is not there: %v", err)
		}
		deadline := time.Now().Add(10 * time.Second)
		got, err := w.read(t, suiteName)
		for ; got != "w" && time.Now().Before(deadline); got, err = w.read(t, suiteName) {
			time.Sleep(time.Millisecond)
		}
		if err != nil || got != "w" {
			t.Errorf("it is %q, %v", got, err)
		}
	})
	t.Run("no such secret", func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.read(t, suiteName); awsclient.Code(err) != "ResourceNotFoundException" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("deleted for good", func(t *testing.T) {
		w := newWorld(t)
		if err := w.create(t, suiteName, "v", firstToken); err != nil {
			t.Fatal(err)
		}
		for range 2 { // what is not there is deleted
			_, err := w.Client.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String(suiteName), ForceDeleteWithoutRecovery: aws.Bool(true)})
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.read(t, suiteName); awsclient.Code(err) != "ResourceNotFoundException" {
			t.Errorf("read: %v", err)
		}
		if err := w.create(t, suiteName, "w", firstToken); err != nil {
			t.Errorf("its name is not free: %v", err)
		}
	})
	t.Run("a name that is scheduled for deletion is neither free nor taken", func(t *testing.T) {
		w := newWorld(t)
		if err := w.create(t, suiteName, "v", firstToken); err != nil {
			t.Fatal(err)
		}
		w.Schedule(t, suiteName)
		if err := w.create(t, suiteName, "v", firstToken); awsclient.Code(err) != "InvalidRequestException" {
			t.Errorf("made: %v", err)
		}
		if _, err := w.read(t, suiteName); awsclient.Code(err) != "InvalidRequestException" {
			t.Errorf("read: %v", err)
		}
	})
}
