package gatewaytest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/local/constraint"
	"headroom/internal/pool"
)

// CreateNFSFileShare is Storage Gateway's: the same token gives the same share.
func (s *Service) CreateNFSFileShare(ctx context.Context, in *storagegateway.CreateNFSFileShareInput, _ ...func(*storagegateway.Options)) (*storagegateway.CreateNFSFileShareOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	form := constraint.FileShare{
		ClientToken: in.ClientToken, GatewayARN: in.GatewayARN, LocationARN: in.LocationARN, Role: in.Role, FileShareName: in.FileShareName,
		EncryptionType: word(in.EncryptionType), KMSKey: in.KMSKey, StorageClass: in.DefaultStorageClass, ObjectACL: word(in.ObjectACL),
		Squash: in.Squash, Clients: in.ClientList, Tags: tagForm(in.Tags),
	}
	if r := form.Create(); r != nil {
		return nil, refused(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spent[*in.ClientToken] {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	for _, share := range s.shares {
		if share.Token == aws.ToString(in.ClientToken) {
			return &storagegateway.CreateNFSFileShareOutput{FileShareARN: &share.ARN}, nil
		}
		if share.Gateway == *in.GatewayARN && share.Bucket == aws.ToString(in.LocationARN) {
			return nil, refuse(types.ErrorCodeInvalidParameters) // one bucket, one share of a gateway
		}
		if share.Gateway == *in.GatewayARN && share.Name == aws.ToString(in.FileShareName) {
			return nil, refuse(types.ErrorCodeInvalidParameters) // one path, one share, until it is gone
		}
	}
	g, err := s.gateway(in.GatewayARN)
	if err != nil {
		return nil, err
	}
	if !g.Cached {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	s.made++
	id := fmt.Sprintf("share-%08d", s.made)
	share := &Share{
		ARN: prefix + "share/" + id, ID: id,
		Token: *in.ClientToken, Gateway: g.ARN, Bucket: *in.LocationARN, Role: *in.Role,
		Name: aws.ToString(in.FileShareName), Key: aws.ToString(in.KMSKey),
		Squash: cmp.Or(aws.ToString(in.Squash), "RootSquash"), ACL: cmp.Or(string(in.ObjectACL), "private"),
		Clients: slices.Clone(in.ClientList), Tags: tags(in.Tags), creating: 2 * s.Late,
	}
	s.shares = append(s.shares, share)
	return &storagegateway.CreateNFSFileShareOutput{FileShareARN: &share.ARN}, nil
}

// DescribeNFSFileShares is Storage Gateway's: one share that is not known refuses the request.
func (s *Service) DescribeNFSFileShares(ctx context.Context, in *storagegateway.DescribeNFSFileSharesInput, _ ...func(*storagegateway.Options)) (*storagegateway.DescribeNFSFileSharesOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(in.FileShareARNList) == 0 || len(in.FileShareARNList) > 10 {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	out := &storagegateway.DescribeNFSFileSharesOutput{}
	unknown := false
	for _, arn := range in.FileShareARNList {
		share := s.share(arn)
		if share == nil || share.leaving && s.left(share) {
			unknown = true
			continue
		}
		s.settle(share)
		status, clients := "AVAILABLE", share.Clients
		if s.Missing[share.Role] || s.Missing[share.Bucket] {
			status = "UNAVAILABLE"
		}
		switch {
		case share.leaving:
			status = pool.ShareDeleting
		case share.creating > s.Late:
			share.creating--
			unknown = true
			continue
		case share.creating > 0:
			share.creating--
			status = "CREATING"
		case share.updating > s.Late:
			share.updating--
			clients = share.before
		case share.updating > 0:
			share.updating--
			status = "UPDATING"
		}
		out.NFSFileShareInfoList = append(out.NFSFileShareInfoList, types.NFSFileShareInfo{
			FileShareARN: &share.ARN, FileShareStatus: aws.String(status), ClientList: described(clients),
			LocationARN: &share.Bucket, Role: &share.Role, ObjectACL: types.ObjectACL(share.ACL), Squash: &share.Squash,
		})
	}
	if unknown {
		return nil, refuse("FileShareNotFound")
	}
	return out, nil
}

// settle ends a change of a share that was made long ago.
func (s *Service) settle(share *Share) {
	if s.Settles > 0 && s.Now().Sub(share.updated) >= s.Settles {
		share.updating = 0
	}
}

// described is a client list as it may come back: a single address without its length, in another order.
func described(clients []string) []string {
	var shown []string
	for _, client := range slices.Backward(clients) {
		shown = append(shown, strings.TrimSuffix(client, "/32"))
	}
	return shown
}

// UpdateNFSFileShare is Storage Gateway's.
func (s *Service) UpdateNFSFileShare(ctx context.Context, in *storagegateway.UpdateNFSFileShareInput, _ ...func(*storagegateway.Options)) (*storagegateway.UpdateNFSFileShareOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	form := constraint.FileShare{
		ARN: in.FileShareARN, EncryptionType: word(in.EncryptionType), KMSKey: in.KMSKey, StorageClass: in.DefaultStorageClass,
		ObjectACL: word(in.ObjectACL), Squash: in.Squash, FileShareName: in.FileShareName, Clients: in.ClientList,
	}
	if r := form.Update(); r != nil {
		return nil, refused(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	share := s.share(aws.ToString(in.FileShareARN))
	if share == nil {
		return nil, refuse("FileShareNotFound")
	}
	if share.leaving {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	if s.settle(share); share.updating > 0 {
		share.updating-- // a share takes one change at a time
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	if in.ObjectACL != "" {
		share.ACL = string(in.ObjectACL)
	}
	if in.ClientList != nil {
		share.before, share.Clients = share.Clients, slices.Clone(in.ClientList)
		if s.Late > 0 {
			share.updating = s.Late + 1
		}
		if s.Now != nil {
			share.updated = s.Now()
		}
	}
	return &storagegateway.UpdateNFSFileShareOutput{FileShareARN: &share.ARN}, nil
}

// AddTagsToResource is Storage Gateway's.
func (s *Service) AddTagsToResource(ctx context.Context, in *storagegateway.AddTagsToResourceInput, _ ...func(*storagegateway.Options)) (*storagegateway.AddTagsToResourceOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r := constraint.Tags(tagForm(in.Tags)); r != nil {
		return nil, refused(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := aws.ToString(in.ResourceARN)
	if share := s.share(arn); share != nil {
		maps.Copy(share.Tags, tags(in.Tags))
		return &storagegateway.AddTagsToResourceOutput{ResourceARN: &arn}, nil
	}
	for _, g := range s.gateways {
		if g.ARN == arn {
			maps.Copy(g.Tags, tags(in.Tags))
			return &storagegateway.AddTagsToResourceOutput{ResourceARN: &arn}, nil
		}
	}
	return nil, refuse(types.ErrorCodeGatewayNotFound)
}

func (s *Service) share(arn string) *Share {
	for _, share := range s.shares {
		if share.ARN == arn {
			return share
		}
	}
	return nil
}
