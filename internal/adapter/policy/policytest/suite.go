package policytest

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"headroom/internal/adapter/awsclient"
)

// Client is what stands for the Parameter Store, without the parameter that the suite makes.
type Client interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	GetParameterHistory(context.Context, *ssm.GetParameterHistoryInput, ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

const name = "/headroom/dev/policy"

// put is one PutParameter, and what comes of it.
type put struct {
	kind    types.ParameterType
	tier    types.ParameterTier
	size    int
	refused string // a part of the refusal's message; "" when it is taken
	becomes types.ParameterTier
}

// Suite is what the Parameter Store does, and what it refuses.
func Suite(t *testing.T, newClient func(*testing.T) Client) {
	const (
		text        = types.ParameterTypeString
		standard    = types.ParameterTierStandard
		advanced    = types.ParameterTierAdvanced
		intelligent = types.ParameterTierIntelligentTiering
		tooLarge    = "Standard tier parameters support a maximum parameter value of 4096 characters."
	)
	tests := []struct {
		name string
		puts []put
	}{
		{"a standard parameter holds 4,096 characters", []put{{text, "", 4096, "", standard}, {"", "", 4097, tooLarge, ""}, {"", standard, 4097, tooLarge, ""}}},
		{"a new one as well", []put{{text, "", 4097, tooLarge, ""}}},
		{"an advanced one holds 8,192", []put{{text, advanced, 8192, "", advanced}, {"", advanced, 8193, "maximum parameter value of 8192 characters", ""}}},
		{"Intelligent-Tiering chooses", []put{{text, intelligent, 4096, "", standard}, {"", intelligent, 4097, "", advanced}, {"", intelligent, 8193, "8192", ""}}},
		{"an advanced one stays so", []put{{text, advanced, 10, "", advanced}, {"", "", 4097, "", advanced}, {"", intelligent, 10, "", advanced}, {"", standard, 10, "You can't downgrade a parameter", ""}}},
		{"a new one needs a type", []put{{"", "", 10, "A parameter type is required when you create a parameter.", ""}}},
		{"an unknown type", []put{{"Text", "", 10, "1 validation error detected: Value 'Text' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [String, StringList, SecureString]", ""}}},
		{"an unknown tier", []put{{text, "Large", 10, "Value 'Large' at 'tier' failed to satisfy constraint", ""}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := newClient(t)
			taken := 0
			for i, p := range test.puts {
				out, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{
					Name: aws.String(name), Type: p.kind, Tier: p.tier, Value: aws.String(strings.Repeat("x", p.size)), Overwrite: aws.Bool(true),
				})
				if p.refused != "" {
					if awsclient.Code(err) != "ValidationException" || !strings.Contains(err.Error(), p.refused) {
						t.Errorf("put %d: %v, want a refusal that says %q", i, err, p.refused)
					}
					continue
				}
				taken++
				if err != nil || out.Tier != p.becomes || out.Version != int64(taken) {
					t.Fatalf("put %d: %+v, %v; want version %d, %s", i, out, err, taken, p.becomes)
				}
			}
			got, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(name)})
			if taken == 0 {
				if !awsclient.IsNotFound(err) {
					t.Errorf("it is there although it was refused: %v", err)
				}
				return
			}
			if err != nil || got.Parameter.Version != int64(taken) || got.Parameter.Type != text {
				t.Errorf("it is %+v, %v; want version %d", got, err, taken)
			}
		})
	}
	t.Run("one that is there is not overwritten unless that is asked for", func(t *testing.T) {
		client := newClient(t)
		in := &ssm.PutParameterInput{Name: aws.String(name), Type: text, Value: aws.String("a")}
		if _, err := client.PutParameter(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, err := client.PutParameter(t.Context(), in); awsclient.Code(err) != "ParameterAlreadyExists" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the history comes in pages, the oldest first", func(t *testing.T) {
		client := newClient(t)
		for _, value := range []string{"a", "b", "c"} {
			if _, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String(name), Type: text, Value: &value, Overwrite: aws.Bool(true)}); err != nil {
				t.Fatal(err)
			}
		}
		values, pages := "", 0
		for next := (*string)(nil); pages == 0 || next != nil; pages++ {
			out, err := client.GetParameterHistory(t.Context(), &ssm.GetParameterHistoryInput{Name: aws.String(name), NextToken: next, MaxResults: aws.Int32(2)})
			if err != nil {
				t.Fatal(err)
			}
			for _, version := range out.Parameters {
				values += *version.Value
			}
			next = out.NextToken
		}
		if values != "abc" || pages != 2 {
			t.Errorf("%q in %d pages", values, pages)
		}
	})
	t.Run("one that is not there", func(t *testing.T) {
		client := newClient(t)
		if _, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(name)}); awsclient.Code(err) != "ParameterNotFound" {
			t.Errorf("read: %v", err)
		}
		if _, err := client.GetParameterHistory(t.Context(), &ssm.GetParameterHistoryInput{Name: aws.String(name)}); awsclient.Code(err) != "ParameterNotFound" {
			t.Errorf("its history: %v", err)
		}
	})
}
