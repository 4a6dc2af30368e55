package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// describeMax is the API's limit of shares in one DescribeNFSFileShares.
const describeMax = 10

// CreateShare asks for a share and returns its ID; the share becomes available later. ErrClients when
// its client list is refused.
func (g *Gateways) CreateShare(ctx context.Context, s pool.ShareSpec) (string, error) {
	if err := checkClients(s.Clients); err != nil {
		return "", fmt.Errorf("create share on %s: %w", s.Gateway, err)
	}
	out, err := g.Client.CreateNFSFileShare(ctx, &storagegateway.CreateNFSFileShareInput{
		ClientToken: &s.Token, GatewayARN: &s.Gateway, LocationARN: &s.Bucket, Role: &s.Role,
		FileShareName: &s.Name, ClientList: slices.Clone(s.Clients), Tags: tagsOf(s.Tags),
		EncryptionType: types.EncryptionTypeSseKms, KMSKey: &s.Key,
		// The buckets know no ACLs but this one: their owner owns every object.
		ObjectACL: types.ObjectACLBucketOwnerFullControl,
	})
	if err != nil {
		return "", fmt.Errorf("create share on %s: %w", s.Gateway, reachable(err))
	}
	return shareID(aws.ToString(out.FileShareARN)), nil
}

// Shares returns the status of each of a gateway's shares by its ID. A share that is not known, also
// because it was created a moment ago, is missing from the answer.
func (g *Gateways) Shares(ctx context.Context, gateway string, ids []string) (map[string]string, error) {
	var arns []string
	for _, id := range ids {
		arns = append(arns, shareARN(pool.ShareRef{Gateway: gateway, ID: id}))
	}
	status := map[string]string{}
	for some := range slices.Chunk(arns, describeMax) {
		err := g.describe(ctx, some, status)
		if awsclient.IsNotFound(err) && len(some) > 1 {
			// One that is not known refuses the whole request: so one by one.
			for _, arn := range some {
				if err = g.describe(ctx, []string{arn}, status); err != nil && !awsclient.IsNotFound(err) {
					return nil, err
				}
			}
			continue
		}
		if err != nil && !awsclient.IsNotFound(err) {
			return nil, err
		}
	}
	return status, nil
}

func (g *Gateways) describe(ctx context.Context, arns []string, status map[string]string) error {
	out, err := g.Client.DescribeNFSFileShares(ctx, &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: arns})
	if err != nil {
		return fmt.Errorf("describe %d shares: %w", len(arns), reachable(err))
	}
	for _, share := range out.NFSFileShareInfoList {
		status[shareID(aws.ToString(share.FileShareARN))] = aws.ToString(share.FileShareStatus)
	}
	return nil
}

// Serves looks whether a share is available and open to exactly these clients. After a change of its
// list a share shows the old one as available for a moment, so that its status alone proves nothing.
func (g *Gateways) Serves(ctx context.Context, ref pool.ShareRef, clients []string) (bool, error) {
	arn := shareARN(ref)
	out, err := g.Client.DescribeNFSFileShares(ctx, &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: []string{arn}})
	if err != nil {
		return false, fmt.Errorf("look at share %s: %w", arn, reachable(err))
	}
	for _, share := range out.NFSFileShareInfoList {
		if aws.ToString(share.FileShareARN) == arn && aws.ToString(share.FileShareStatus) == pool.ShareAvailable {
			return sameClients(share.ClientList, clients), nil
		}
	}
	return false, nil
}

// SetClients replaces the client list of a share, which is updated a little later. ErrClients when
// the list is refused. Everything else of the share stays as it is.
func (g *Gateways) SetClients(ctx context.Context, ref pool.ShareRef, clients []string) error {
	arn := shareARN(ref)
	if err := checkClients(clients); err != nil {
		return fmt.Errorf("set the clients of share %s: %w", arn, err)
	}
	_, err := g.Client.UpdateNFSFileShare(ctx, &storagegateway.UpdateNFSFileShareInput{
		FileShareARN: &arn, ClientList: slices.Clone(clients),
	})
	if err != nil {
		return fmt.Errorf("set the clients of share %s: %w", arn, reachable(err))
	}
	return nil
}

// Tag sets tags of a share.
func (g *Gateways) Tag(ctx context.Context, ref pool.ShareRef, tags map[string]string) error {
	arn := shareARN(ref)
	if _, err := g.Client.AddTagsToResource(ctx, &storagegateway.AddTagsToResourceInput{ResourceARN: &arn, Tags: tagsOf(tags)}); err != nil {
		return fmt.Errorf("tag share %s: %w", arn, reachable(err))
	}
	return nil
}

// TagsOf reads the tags of a share; pool.ErrNotFound when it is gone.
func (g *Gateways) TagsOf(ctx context.Context, ref pool.ShareRef) (map[string]string, error) {
	arn, tags := shareARN(ref), map[string]string{}
	var marker *string
	for range tagPages {
		out, err := g.Client.ListTagsForResource(ctx, &storagegateway.ListTagsForResourceInput{ResourceARN: &arn, Marker: marker})
		if isShareGone(err) {
			return nil, fmt.Errorf("list the tags of share %s: %w", arn, pool.ErrNotFound)
		}
		if err != nil {
			return nil, fmt.Errorf("list the tags of share %s: %w", arn, reachable(err))
		}
		for _, tag := range out.Tags {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if marker = out.Marker; aws.ToString(marker) == "" {
			return tags, nil
		}
	}
	return nil, fmt.Errorf("list the tags of share %s: more than %d pages", arn, tagPages)
}

// shareARN is the ARN of a share, made of its gateway's ARN and its ID:
// arn:<partition>:storagegateway:<region>:<account>:share/<id>
// (AWS, "Actions, resources, and condition keys for AWS Storage Gateway").
func shareARN(ref pool.ShareRef) string {
	prefix, _, _ := strings.Cut(ref.Gateway, ":gateway/")
	return prefix + ":share/" + ref.ID
}

// shareID is the last part of a share's ARN, "share-…".
func shareID(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
