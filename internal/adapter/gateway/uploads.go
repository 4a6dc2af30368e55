package gateway

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/pool"
)

// NotifyWhenUploaded has an event sent (events.FileUpload) once all that was written to a share until now is in
// its bucket, and returns the notification's ID, which the event bears. The event may never come, as of a gateway
// that is replaced meanwhile: ask again after a time. pool.ErrUnreachable while the gateway is away.
func (g *Gateways) NotifyWhenUploaded(ctx context.Context, ref pool.ShareRef) (string, error) {
	arn := shareARN(ref)
	out, err := g.Client.NotifyWhenUploaded(ctx, &storagegateway.NotifyWhenUploadedInput{FileShareARN: &arn})
	if err != nil {
		return "", fmt.Errorf("ask when share %s is uploaded: %w", arn, reachable(err))
	}
	return aws.ToString(out.NotificationId), nil
}

// RefreshCache has a share show what its bucket holds, and returns the notification's ID, which the event of its
// end bears ("Storage Gateway Refresh Cache Event"). pool.ErrUnreachable while the gateway is away.
func (g *Gateways) RefreshCache(ctx context.Context, ref pool.ShareRef) (string, error) {
	arn := shareARN(ref)
	out, err := g.Client.RefreshCache(ctx, &storagegateway.RefreshCacheInput{FileShareARN: &arn, Recursive: aws.Bool(true)})
	if err != nil {
		return "", fmt.Errorf("refresh the cache of share %s: %w", arn, reachable(err))
	}
	return aws.ToString(out.NotificationId), nil
}
