package gatewaytest

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
)

// listMax is how many gateways Storage Gateway lists in one answer, unless the caller wants fewer.
const listMax = 100

// ListGateways is Storage Gateway's.
func (s *Service) ListGateways(ctx context.Context, in *storagegateway.ListGatewaysInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListGatewaysOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size := listMax
	for _, limit := range []int{int(aws.ToInt32(in.Limit)), s.Page} {
		if limit > 0 {
			size = min(size, limit)
		}
	}
	from, _ := strconv.Atoi(aws.ToString(in.Marker))
	to := min(from+size, len(s.gateways))
	out := &storagegateway.ListGatewaysOutput{}
	for _, g := range s.gateways[min(from, to):to] {
		if g.unlisted > 0 {
			g.unlisted--
			continue
		}
		out.Gateways = append(out.Gateways, types.GatewayInfo{GatewayARN: &g.ARN, GatewayName: &g.Name})
	}
	if to < len(s.gateways) {
		out.Marker = aws.String(strconv.Itoa(to))
	}
	return out, nil
}
