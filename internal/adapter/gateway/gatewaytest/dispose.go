package gatewaytest

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
)

// ListFileShares is Storage Gateway's, of one gateway, two a page. It does not ask the appliance.
func (s *Service) ListFileShares(ctx context.Context, in *storagegateway.ListFileSharesInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListFileSharesOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []types.FileShareInfo
	for _, share := range s.shares {
		if share.Gateway == aws.ToString(in.GatewayARN) {
			all = append(all, types.FileShareInfo{FileShareARN: &share.ARN, GatewayARN: &share.Gateway, FileShareType: types.FileShareTypeNfs})
		}
	}
	from, _ := strconv.Atoi(aws.ToString(in.Marker))
	out := &storagegateway.ListFileSharesOutput{Marker: in.Marker, FileShareInfoList: all[min(from, len(all)):min(from+2, len(all))]}
	if from+2 < len(all) {
		out.NextMarker = aws.String(strconv.Itoa(from + 2))
	}
	return out, nil
}

// DeleteGateway is Storage Gateway's: shares that are there go along, with what they have not uploaded.
func (s *Service) DeleteGateway(ctx context.Context, in *storagegateway.DeleteGatewayInput, _ ...func(*storagegateway.Options)) (*storagegateway.DeleteGatewayOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.gateways, func(g *Gateway) bool { return g.ARN == aws.ToString(in.GatewayARN) })
	if i < 0 {
		return nil, refuse(types.ErrorCodeGatewayNotFound)
	}
	for _, share := range s.shares {
		if share.Gateway == s.gateways[i].ARN {
			s.forced++
		}
	}
	s.shares = slices.DeleteFunc(s.shares, func(share *Share) bool { return share.Gateway == s.gateways[i].ARN })
	s.gateways = slices.Delete(s.gateways, i, i+1)
	return &storagegateway.DeleteGatewayOutput{GatewayARN: in.GatewayARN}, nil
}

// Forced is how many shares went with their gateway, and not by being deleted.
func (s *Service) Forced() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forced
}
