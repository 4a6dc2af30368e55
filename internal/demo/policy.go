package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/pool"
)

// ErrUnknownTier says that nobody can sign up for a tier.
var ErrUnknownTier = errors.New("the deployed policy has no such tier")

// checkTier wants the policy that was deployed to have a tier: who signs up for another is turned away.
func checkTier(ctx context.Context, cloud Cloud, tier string) error {
	_, document, err := readPolicy(ctx, cloud)
	if err != nil {
		return err
	}
	policies := document.Pools
	if policies.Serves(pool.Tier(tier)) {
		return nil
	}
	var there []string
	for _, t := range policies.Tiers() {
		there = append(there, string(t))
	}
	return fmt.Errorf("%w; it has %s", ErrUnknownTier, strings.Join(there, ", "))
}

// readPolicy reads the newest policy, and in which parameter it is.
func readPolicy(ctx context.Context, cloud Cloud) (parameter string, document pool.Document, err error) {
	if parameter, err = cloud.Output("PolicyParameterName"); err != nil {
		return "", document, fmt.Errorf("find the policy: %w", err)
	}
	out, err := ssm.NewFromConfig(cloud.AWS()).GetParameter(ctx, &ssm.GetParameterInput{Name: &parameter})
	if err != nil {
		return "", document, fmt.Errorf("read the policy: %w", err)
	}
	document, err = pool.ParseDocument([]byte(aws.ToString(out.Parameter.Value)), pool.Bounds{DatabaseSlots: math.MaxInt})
	if err != nil {
		return "", document, fmt.Errorf("read the policy: %w", err)
	}
	return parameter, document, nil
}

// changePolicy makes of the policy that is in force what change does, as an operator would.
func changePolicy(ctx context.Context, cloud Cloud, change func(pool.Document) pool.Document) error {
	parameter, document, err := readPolicy(ctx, cloud)
	if err != nil {
		return err
	}
	text, err := json.Marshal(change(document))
	if err != nil {
		return fmt.Errorf("word the policy: %w", err)
	}
	_, err = ssm.NewFromConfig(cloud.AWS()).PutParameter(ctx, &ssm.PutParameterInput{
		Name: &parameter, Value: aws.String(string(text)), Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	return nil
}

// refusedPolicy says in words that a function refused the newest version of the policy, if that is what a
// line of its log says; else it is empty.
func refusedPolicy(line string) string {
	var refusal struct {
		Message          string
		Reasons          string
		Version, InForce int
	}
	if json.Unmarshal([]byte(line), &refusal) != nil || refusal.Message != "policy is invalid, an older version is in force" {
		return ""
	}
	return fmt.Sprintf("version %d of the policy is refused, version %d stays in force: %s",
		refusal.Version, refusal.InForce, strings.ReplaceAll(refusal.Reasons, "\n", "; "))
}
