package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

const (
	// orderTag is the tag that bears the mark of the order that a gateway was activated for.
	orderTag = "headroom:order"
	// listSize is how many gateways a page lists. There is no bound of pages: an account has as many gateways as
	// it has, and the call's deadline ends what does not.
	listSize = 100
	// tagPages bounds what is read of a gateway's tags, of which it has 50 at most.
	tagPages = 5
)

// Find returns the ARN of the gateway that bears the name and, as its tag headroom:order, the mark. One of
// the name without the mark is foreign, such as a gateway whose stack is long gone (CloudFormation deletes
// no gateway): it is passed over, and so are several. pool.ErrNotFound when none bears both, or when ours
// was activated too recently to be listed, or to be listed with its tags.
func (g *Gateways) Find(ctx context.Context, name, mark string) (string, error) {
	return g.FindMarked(ctx, name, map[string]string{orderTag: mark})
}

// FindMarked is Find for one that bears all of these tags.
func (g *Gateways) FindMarked(ctx context.Context, name string, tags map[string]string) (string, error) {
	for _, mark := range tags {
		if mark == "" {
			return "", fmt.Errorf("find gateway %s: %w", name, errNoMark)
		}
	}
	if len(tags) == 0 {
		return "", fmt.Errorf("find gateway %s: %w", name, errNoMark)
	}
	var marker *string
	for {
		out, err := g.Client.ListGateways(ctx, &storagegateway.ListGatewaysInput{Limit: aws.Int32(listSize), Marker: marker})
		if err != nil {
			return "", fmt.Errorf("list gateways to find %s: %w", name, reachable(err))
		}
		for _, found := range out.Gateways {
			if aws.ToString(found.GatewayName) != name {
				continue
			}
			ours, err := g.bears(ctx, found.GatewayARN, tags)
			if err != nil {
				return "", fmt.Errorf("look whose gateway %s is: %w", name, err)
			}
			if ours {
				return aws.ToString(found.GatewayARN), nil
			}
		}
		if marker = out.Marker; aws.ToString(marker) == "" {
			return "", fmt.Errorf("find gateway %s: %w", name, pool.ErrNotFound)
		}
	}
}

// errNoMark means that a gateway was asked for without a mark: every foreign one would do.
var errNoMark = errors.New("its order has no mark")

// bears looks whether a gateway bears tags. It lists the tags and does not describe the
// gateway, for a description asks the appliance: that of a foreign gateway, whose machine is gone, would
// never come, and ours would wait for it.
func (g *Gateways) bears(ctx context.Context, arn *string, wanted map[string]string) (bool, error) {
	var marker *string
	missing := maps.Clone(wanted)
	for range tagPages {
		out, err := g.Client.ListTagsForResource(ctx, &storagegateway.ListTagsForResourceInput{ResourceARN: arn, Marker: marker})
		if awsclient.IsNotFound(err) {
			return false, nil // deleted since it was listed
		}
		if err != nil {
			return false, fmt.Errorf("list the tags of %s: %w", aws.ToString(arn), reachable(err))
		}
		for _, tag := range out.Tags {
			if missing[aws.ToString(tag.Key)] == aws.ToString(tag.Value) {
				delete(missing, aws.ToString(tag.Key))
			}
		}
		if len(missing) == 0 {
			return true, nil
		}
		if marker = out.Marker; aws.ToString(marker) == "" {
			return false, nil
		}
	}
	return false, fmt.Errorf("list the tags of %s: more than %d pages", aws.ToString(arn), tagPages)
}
