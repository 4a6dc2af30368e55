package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool/inventory"
)

// describeMost is the API's limit of shares in one DescribeNFSFileShares.
const describeMost = 10

// gateways are those of the stage by name or mark. What an appliance says itself is asked of those that are ours; one that
// is away is a gateway all the same, of which the appliance's age is not known.
func (l *Looker) gateways(ctx context.Context, seen *inventory.Seen) error {
	pages := storagegateway.NewListGatewaysPaginator(l.Gateways, &storagegateway.ListGatewaysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the gateways: %w", err)
		}
		for _, g := range page.Gateways {
			is := inventory.Gateway{ARN: aws.ToString(g.GatewayARN), Name: aws.ToString(g.GatewayName)}
			if !strings.HasPrefix(is.Name, l.prefix()) {
				continue // gateways are named after their stacks
			}
			tags, err := l.gatewayTags(ctx, is.ARN)
			switch {
			case awsclient.IsNotFound(err):
				continue // deleted since it was listed
			case err != nil:
				return fmt.Errorf("list the tags of gateway %s: %w", is.ARN, err)
			}
			is.Marks = inventory.MarksOf(tags)
			if is.Marks.Stage == l.Stage {
				if is.Deprecated, err = l.deprecated(ctx, is.ARN); err != nil {
					seen.Unseen = append(seen.Unseen, unseen(inventory.Gateways, is.ARN, err))
				}
			}
			seen.Gateways = append(seen.Gateways, is)
		}
	}
	return nil
}

func (l *Looker) gatewayTags(ctx context.Context, arn string) (map[string]string, error) {
	tags := map[string]string{}
	pages := storagegateway.NewListTagsForResourcePaginator(l.Gateways, &storagegateway.ListTagsForResourceInput{ResourceARN: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	return tags, nil
}

// deprecated is when a gateway's appliance gets no more updates; zero when it does not say.
func (l *Looker) deprecated(ctx context.Context, arn string) (time.Time, error) {
	out, err := l.Gateways.DescribeGatewayInformation(ctx, &storagegateway.DescribeGatewayInformationInput{GatewayARN: &arn})
	if err != nil {
		return time.Time{}, err
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if at, bad := time.Parse(form, aws.ToString(out.DeprecationDate)); bad == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, nil
}

// shares are those of the gateways that bear the stage's mark. Of a gateway that is away they are unseen, and all others
// are not.
func (l *Looker) shares(ctx context.Context, seen *inventory.Seen) error {
	for _, g := range seen.Gateways {
		if g.Marks.Stage != l.Stage {
			continue
		}
		err := l.sharesOf(ctx, g.ARN, seen)
		switch {
		case err == nil || awsclient.IsNotFound(err):
		case awsclient.IsDenied(err):
			return err
		default:
			seen.Unseen = append(seen.Unseen, unseen(inventory.Shares, g.ARN, err))
		}
	}
	if slices.ContainsFunc(seen.Unseen, func(u inventory.Unseen) bool { return u.Sort == inventory.Gateways && u.Of == "" }) {
		return fmt.Errorf("their gateways are not known")
	}
	return nil
}

func (l *Looker) sharesOf(ctx context.Context, gateway string, seen *inventory.Seen) error {
	var arns []string
	pages := storagegateway.NewListFileSharesPaginator(l.Gateways, &storagegateway.ListFileSharesInput{GatewayARN: &gateway})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the shares of %s: %w", gateway, err)
		}
		for _, s := range page.FileShareInfoList {
			arns = append(arns, aws.ToString(s.FileShareARN))
		}
	}
	for some := range slices.Chunk(arns, describeMost) {
		err := l.describe(ctx, some, seen)
		if awsclient.IsNotFound(err) && len(some) > 1 { // one that is gone since refuses all
			for _, arn := range some {
				if err = l.describe(ctx, []string{arn}, seen); err != nil && !awsclient.IsNotFound(err) {
					return err
				}
			}
			continue
		}
		if err != nil && !awsclient.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (l *Looker) describe(ctx context.Context, arns []string, seen *inventory.Seen) error {
	out, err := l.Gateways.DescribeNFSFileShares(ctx, &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: arns})
	if err != nil {
		return fmt.Errorf("describe %d shares: %w", len(arns), err)
	}
	for _, s := range out.NFSFileShareInfoList {
		seen.Shares = append(seen.Shares, shareOf(s))
	}
	return nil
}

func shareOf(s types.NFSFileShareInfo) inventory.Share {
	tags := map[string]string{}
	for _, t := range s.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return inventory.Share{
		ID: aws.ToString(s.FileShareId), Gateway: aws.ToString(s.GatewayARN), Bucket: aws.ToString(s.LocationARN), Status: aws.ToString(s.FileShareStatus),
		Name:    aws.ToString(s.FileShareName),
		Clients: s.ClientList, Marks: inventory.MarksOf(tags),
		State: tags["headroom:state"], Tenant: tags["headroom:tenant"], Generation: tags["headroom:generation"],
	}
}

// buckets are those of shares, by the prefix of their names, with their tags.
func (l *Looker) buckets(ctx context.Context, seen *inventory.Seen) error {
	prefix := l.prefix() + "share-"
	var names []string
	pages := s3.NewListBucketsPaginator(l.Buckets, &s3.ListBucketsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the buckets: %w", err)
		}
		for _, b := range page.Buckets {
			if name := aws.ToString(b.Name); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		is := inventory.Bucket{Name: name}
		out, err := l.Buckets.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name})
		switch {
		case awsclient.IsNotFound(err):
			continue // deleted since it was listed
		case awsclient.IsDenied(err):
			return fmt.Errorf("read the tags of bucket %s: %w", name, err)
		case err != nil && !awsclient.IsUntagged(err):
			seen.Unseen = append(seen.Unseen, unseen(inventory.Buckets, name, err))
		case err == nil:
			tags := map[string]string{}
			for _, t := range out.TagSet {
				tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			is.Slot, is.Marks = tags["headroom:slot"], inventory.MarksOf(tags)
		}
		seen.Buckets = append(seen.Buckets, is)
	}
	return nil
}

// secrets are tenants', by the prefix of their names. Those whose deletion is planned are gone.
func (l *Looker) secrets(ctx context.Context, seen *inventory.Seen) error {
	prefix := "headroom/" + l.Stage + "/tenant/"
	pages := secretsmanager.NewListSecretsPaginator(l.Secrets, &secretsmanager.ListSecretsInput{
		Filters: []secrettypes.Filter{{Key: secrettypes.FilterNameStringTypeName, Values: []string{prefix}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the secrets: %w", err)
		}
		for _, s := range page.SecretList {
			if !strings.HasPrefix(aws.ToString(s.Name), prefix) {
				continue
			}
			is := inventory.Secret{Name: *s.Name, ARN: aws.ToString(s.ARN), Made: aws.ToTime(s.CreatedDate), Tags: map[string]string{}}
			for _, t := range s.Tags {
				is.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			seen.Secrets = append(seen.Secrets, is)
		}
	}
	return nil
}
