package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/pool"
)

// loneTier has one database and one share: who signs up for it gets what the one before had.
const loneTier = "lone"

// openLoneTier adds the tier to the policy that is in force, and has slots that were scrubbed rest for as short as they
// may, as an operator would.
func openLoneTier(ctx context.Context, cloud Cloud) error {
	parameter, document, err := readPolicy(ctx, cloud)
	if err != nil {
		return err
	}
	text, err := json.Marshal(withLoneTier(document))
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

func withLoneTier(d pool.Document) pool.Document {
	d.Terms.CoolDown = pool.Term(time.Minute)
	d.Pools = slices.DeleteFunc(slices.Clone(d.Pools), func(p pool.Policy) bool { return p.Tier == loneTier })
	for _, kind := range pool.Kinds {
		d.Pools = append(d.Pools, pool.Policy{
			Kind: kind, Tier: loneTier, SlotsPerHost: 1, Floor: 1, Ceiling: 1, MaxOrders: 1, Placement: pool.Pack,
		})
	}
	return d
}
