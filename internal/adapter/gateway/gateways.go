// Package gateway is Storage Gateway: activating an appliance, giving it its cache, and its shares
// with their client lists.
package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

const (
	gatewayType = "FILE_S3"
	timezone    = "GMT"

	// diskCache and diskAvailable are how ListLocalDisks words what a disk is for. AWS also spells
	// the first one "CACHE_STORAGE": both are read.
	diskCache     = "CACHE STORAGE"
	diskAvailable = "AVAILABLE"
	// cacheMin is the size in bytes of the smallest cache disk that S3 File Gateway supports ("File
	// Gateway setup requirements" in its user guide). A smaller one is something else, such as an
	// empty disk that was meant to be the root and bears another name than the image's.
	cacheMin = 150 << 30
)

// badStates are the states in which a gateway is known not to serve. GatewayState is an open string: the API reference has no list
// of it, its own example says STATE_RUNNING and answers say RUNNING (Storage Gateway API Reference, DescribeGatewayInformation,
// ShutdownGateway). So whatever else it says is no trouble: one that does not answer its clients is found by asking it.
var badStates = []string{"OFFLINE", "SHUTDOWN", "SHUTTING_DOWN", "UNREACHABLE", "NOT_CONNECTED", "FAILED", "DELETING"}

type client interface {
	ActivateGateway(ctx context.Context, in *storagegateway.ActivateGatewayInput, opts ...func(*storagegateway.Options)) (*storagegateway.ActivateGatewayOutput, error)
	ListGateways(ctx context.Context, in *storagegateway.ListGatewaysInput, opts ...func(*storagegateway.Options)) (*storagegateway.ListGatewaysOutput, error)
	ListTagsForResource(ctx context.Context, in *storagegateway.ListTagsForResourceInput, opts ...func(*storagegateway.Options)) (*storagegateway.ListTagsForResourceOutput, error)
	DescribeGatewayInformation(ctx context.Context, in *storagegateway.DescribeGatewayInformationInput, opts ...func(*storagegateway.Options)) (*storagegateway.DescribeGatewayInformationOutput, error)
	ListLocalDisks(ctx context.Context, in *storagegateway.ListLocalDisksInput, opts ...func(*storagegateway.Options)) (*storagegateway.ListLocalDisksOutput, error)
	AddCache(ctx context.Context, in *storagegateway.AddCacheInput, opts ...func(*storagegateway.Options)) (*storagegateway.AddCacheOutput, error)
	CreateNFSFileShare(ctx context.Context, in *storagegateway.CreateNFSFileShareInput, opts ...func(*storagegateway.Options)) (*storagegateway.CreateNFSFileShareOutput, error)
	DescribeNFSFileShares(ctx context.Context, in *storagegateway.DescribeNFSFileSharesInput, opts ...func(*storagegateway.Options)) (*storagegateway.DescribeNFSFileSharesOutput, error)
	UpdateNFSFileShare(ctx context.Context, in *storagegateway.UpdateNFSFileShareInput, opts ...func(*storagegateway.Options)) (*storagegateway.UpdateNFSFileShareOutput, error)
	DeleteFileShare(ctx context.Context, in *storagegateway.DeleteFileShareInput, opts ...func(*storagegateway.Options)) (*storagegateway.DeleteFileShareOutput, error)
	ListFileShares(ctx context.Context, in *storagegateway.ListFileSharesInput, opts ...func(*storagegateway.Options)) (*storagegateway.ListFileSharesOutput, error)
	DeleteGateway(ctx context.Context, in *storagegateway.DeleteGatewayInput, opts ...func(*storagegateway.Options)) (*storagegateway.DeleteGatewayOutput, error)
	NotifyWhenUploaded(ctx context.Context, in *storagegateway.NotifyWhenUploadedInput, opts ...func(*storagegateway.Options)) (*storagegateway.NotifyWhenUploadedOutput, error)
	RefreshCache(ctx context.Context, in *storagegateway.RefreshCacheInput, opts ...func(*storagegateway.Options)) (*storagegateway.RefreshCacheOutput, error)
	StartCacheReport(ctx context.Context, in *storagegateway.StartCacheReportInput, opts ...func(*storagegateway.Options)) (*storagegateway.StartCacheReportOutput, error)
	DescribeCacheReport(ctx context.Context, in *storagegateway.DescribeCacheReportInput, opts ...func(*storagegateway.Options)) (*storagegateway.DescribeCacheReportOutput, error)
	DeleteCacheReport(ctx context.Context, in *storagegateway.DeleteCacheReportInput, opts ...func(*storagegateway.Options)) (*storagegateway.DeleteCacheReportOutput, error)
	AddTagsToResource(ctx context.Context, in *storagegateway.AddTagsToResourceInput, opts ...func(*storagegateway.Options)) (*storagegateway.AddTagsToResourceOutput, error)
}

// Gateways is Storage Gateway.
type Gateways struct {
	Client client
	Region string
}

// Activate makes a gateway of the appliance that the key is from, and returns its ARN. The appliance
// may reboot then. pool.ErrKey when the key is no good any more.
func (g *Gateways) Activate(ctx context.Context, key, name string, tags map[string]string) (string, error) {
	out, err := g.Client.ActivateGateway(ctx, &storagegateway.ActivateGatewayInput{
		ActivationKey: &key, GatewayName: &name, GatewayRegion: &g.Region,
		GatewayTimezone: aws.String(timezone), GatewayType: aws.String(gatewayType), Tags: tagsOf(tags),
	})
	if awsclient.IsKeyStale(err) {
		return "", fmt.Errorf("activate gateway %s: %w: %w", name, pool.ErrKey, err)
	}
	if err != nil {
		return "", fmt.Errorf("activate gateway %s: %w", name, reachable(err))
	}
	return aws.ToString(out.GatewayARN), nil
}

// Running looks whether the gateway answers, and is in no state that is known to be bad. pool.ErrUnreachable when not, also when a
// gateway that was just activated is not known yet.
func (g *Gateways) Running(ctx context.Context, arn string) error {
	out, err := g.Client.DescribeGatewayInformation(ctx, &storagegateway.DescribeGatewayInformationInput{GatewayARN: &arn})
	if awsclient.IsNotFound(err) {
		return fmt.Errorf("look at gateway %s: %w: %w", arn, pool.ErrUnreachable, err)
	}
	if err != nil {
		return fmt.Errorf("look at gateway %s: %w", arn, reachable(err))
	}
	state := aws.ToString(out.GatewayState)
	if slices.Contains(badStates, strings.TrimPrefix(strings.ToUpper(state), "STATE_")) {
		return fmt.Errorf("look at gateway %s: %w: its state is %s", arn, pool.ErrUnreachable, state)
	}
	return nil
}

// AddCache gives a gateway every disk as cache that is free and large enough. A gateway that has its
// cache is left as it is. pool.ErrNoDisk when it has not found a disk yet.
func (g *Gateways) AddCache(ctx context.Context, arn string) error {
	out, err := g.Client.ListLocalDisks(ctx, &storagegateway.ListLocalDisksInput{GatewayARN: &arn})
	if err != nil {
		return fmt.Errorf("list the disks of gateway %s: %w", arn, reachable(err))
	}
	var free []string
	for _, disk := range out.Disks {
		switch strings.ReplaceAll(aws.ToString(disk.DiskAllocationType), "_", " ") {
		case diskCache:
			return nil
		case diskAvailable:
			if disk.DiskSizeInBytes >= cacheMin {
				free = append(free, aws.ToString(disk.DiskId))
			}
		}
	}
	if len(free) == 0 {
		return fmt.Errorf("add the cache of gateway %s: %w", arn, pool.ErrNoDisk)
	}
	_, err = g.Client.AddCache(ctx, &storagegateway.AddCacheInput{GatewayARN: &arn, DiskIds: free})
	if err != nil && !awsclient.IsAlreadyExists(err) {
		return fmt.Errorf("add the cache of gateway %s: %w", arn, reachable(err))
	}
	return nil
}

// reachable marks an error as pool.ErrUnreachable when it says so.
func reachable(err error) error {
	if awsclient.IsUnreachable(err) {
		return fmt.Errorf("%w: %w", pool.ErrUnreachable, err)
	}
	return err
}

func tagsOf(values map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(values[key])})
	}
	return out
}
