package secretstest

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

var token = strings.Repeat("t", 32)

func create(t *testing.T, f *Fake, value, token string) error {
	t.Helper()
	_, err := f.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("name"), SecretString: aws.String(value), ClientRequestToken: aws.String(token),
	})
	return err
}

func read(t *testing.T, f *Fake) (string, error) {
	t.Helper()
	out, err := f.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("name")})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

func TestNewSecretIsMissedForAWhile(t *testing.T) {
	f := &Fake{Lag: 1}
	if err := create(t, f, "v", token); err != nil {
		t.Fatal(err)
	}
	var missing *types.ResourceNotFoundException
	if _, err := read(t, f); !errors.As(err, &missing) {
		t.Errorf("first read: %v", err)
	}
	if value, err := read(t, f); err != nil || value != "v" {
		t.Errorf("second read: %q, %v", value, err)
	}
}

func TestFaultMayStrikeBeforeOrAfter(t *testing.T) {
	fault := errors.New("fault")
	for _, applied := range []bool{false, true} {
		f := &Fake{Fault: func(string) (bool, error) { return applied, fault }}
		if err := create(t, f, "v", token); !errors.Is(err, fault) {
			t.Errorf("got %v", err)
		}
		if written := len(f.Secrets()) == 1; written != applied {
			t.Errorf("applied %v, written %v", applied, written)
		}
	}
}
