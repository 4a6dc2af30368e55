package gatewaytest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
)

// Add puts a gateway there that somebody activated long ago, and returns its ARN. Its machine may be
// gone: then nothing is answered that asks the appliance.
func (s *Service) Add(name string, tags map[string]string, gone bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Gateway{ARN: s.nextARN(), Name: name, Tags: maps.Clone(tags), Cached: true, gone: gone}
	s.gateways = append(s.gateways, g)
	return g.ARN
}

// ListTagsForResource is Storage Gateway's, of gateways and shares, with two tags a page. It answers for one whose
// machine is gone as well.
func (s *Service) ListTagsForResource(ctx context.Context, in *storagegateway.ListTagsForResourceInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListTagsForResourceOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gateways {
		if g.ARN == aws.ToString(in.ResourceARN) {
			return tagPage(in, g.tags()), nil
		}
	}
	if share := s.share(aws.ToString(in.ResourceARN)); share != nil {
		return tagPage(in, tagList(share.Tags)), nil
	}
	if strings.Contains(aws.ToString(in.ResourceARN), ":share/") {
		return nil, refuse("FileShareNotFound")
	}
	return nil, refuse(types.ErrorCodeGatewayNotFound)
}

func tagPage(in *storagegateway.ListTagsForResourceInput, list []types.Tag) *storagegateway.ListTagsForResourceOutput {
	from, _ := strconv.Atoi(aws.ToString(in.Marker))
	out := &storagegateway.ListTagsForResourceOutput{ResourceARN: in.ResourceARN, Tags: list[min(from, len(list)):min(from+2, len(list))]}
	if from+2 < len(list) {
		out.Marker = aws.String(strconv.Itoa(from + 2))
	}
	return out
}

// tags lists a gateway's tags as they can be seen.
func (g *Gateway) tags() []types.Tag {
	if g.untagged > 0 {
		g.untagged--
		return nil
	}
	return tagList(g.Tags)
}

func tagList(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

func tags(in []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range in {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}
