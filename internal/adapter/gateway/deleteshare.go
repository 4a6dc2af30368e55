package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// DeleteShare has a share deleted, never by force: it is gone once all that it acknowledged is in its bucket, which
// stays. Until then it is pool.ShareDeleting, and there is no way back. One that is gone, or being deleted, is no
// error. pool.ErrUnreachable while the gateway is away.
func (g *Gateways) DeleteShare(ctx context.Context, ref pool.ShareRef) error {
	arn := shareARN(ref)
	_, err := g.Client.DeleteFileShare(ctx, &storagegateway.DeleteFileShareInput{FileShareARN: &arn, ForceDelete: false})
	if err == nil || isShareGone(err) {
		return nil
	}
	// What is answered of a share that is being deleted is not documented: its status tells.
	status, lookErr := g.ShareStatus(ctx, ref)
	if errors.Is(lookErr, pool.ErrNotFound) || lookErr == nil && status == pool.ShareDeleting {
		return nil
	}
	return fmt.Errorf("delete share %s: %w", arn, reachable(err))
}

// ShareStatus returns the status of a share, such as pool.ShareAvailable. pool.ErrNotFound when it is gone, or was
// created a moment ago and is not known yet.
func (g *Gateways) ShareStatus(ctx context.Context, ref pool.ShareRef) (string, error) {
	arn := shareARN(ref)
	out, err := g.Client.DescribeNFSFileShares(ctx, &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: []string{arn}})
	if isShareGone(err) || err == nil && len(out.NFSFileShareInfoList) == 0 {
		return "", fmt.Errorf("look at share %s: %w", arn, pool.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("look at share %s: %w", arn, reachable(err))
	}
	return aws.ToString(out.NFSFileShareInfoList[0].FileShareStatus), nil
}

// isShareGone reports that Storage Gateway does not know the share. That it does not know the gateway is another
// matter: somebody else has deleted that, and what it had not uploaded is lost.
func isShareGone(err error) bool { return awsclient.Code(err) == "FileShareNotFound" }
