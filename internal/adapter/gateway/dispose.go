package gateway

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// SharesOf lists the IDs of all shares of a gateway, whoever made them. One that was made a moment ago may be missing.
func (g *Gateways) SharesOf(ctx context.Context, gateway string) ([]string, error) {
	var ids []string
	var marker *string
	for {
		out, err := g.Client.ListFileShares(ctx, &storagegateway.ListFileSharesInput{GatewayARN: &gateway, Limit: aws.Int32(listSize), Marker: marker})
		if err != nil {
			return nil, fmt.Errorf("list the shares of gateway %s: %w", gateway, reachable(err))
		}
		for _, share := range out.FileShareInfoList {
			arn := aws.ToString(share.FileShareARN)
			ids = append(ids, arn[strings.LastIndex(arn, "/")+1:])
		}
		// An answer without more may bear a marker all the same, but the next one is empty then.
		if marker = out.NextMarker; aws.ToString(marker) == "" || len(out.FileShareInfoList) == 0 {
			return ids, nil
		}
	}
}

// Bears reports whether a gateway is there and bears the mark of an order; pool.ErrNotFound when it is not there.
func (g *Gateways) Bears(ctx context.Context, gateway, mark string) (bool, error) {
	if mark == "" {
		return false, fmt.Errorf("look whose gateway %s is: %w", gateway, errNoMark)
	}
	_, err := g.Client.ListTagsForResource(ctx, &storagegateway.ListTagsForResourceInput{ResourceARN: &gateway})
	if awsclient.IsNotFound(err) {
		return false, fmt.Errorf("look whose gateway %s is: %w", gateway, pool.ErrNotFound)
	}
	if err != nil {
		return false, fmt.Errorf("look whose gateway %s is: %w", gateway, reachable(err))
	}
	return g.bears(ctx, &gateway, map[string]string{orderTag: mark})
}

// DeleteGateway takes a gateway out of the account, with all shares that it has, whatever they have not uploaded: so it must
// have none. Its machine and its disks stay. One that is gone is no error.
func (g *Gateways) DeleteGateway(ctx context.Context, gateway string) error {
	_, err := g.Client.DeleteGateway(ctx, &storagegateway.DeleteGatewayInput{GatewayARN: &gateway})
	if err != nil && !awsclient.IsNotFound(err) {
		return fmt.Errorf("delete gateway %s: %w", gateway, reachable(err))
	}
	return nil
}
