package machinestest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/local/constraint"
)

// tagsMost is how many tags a volume has at most.
const tagsMost = 50

// DescribeVolumes is EC2's, of some by their IDs, where one that is not there refuses all of them, or of all that pass
// filters by tags, page by page.
func (c *Cloud) DescribeVolumes(ctx context.Context, in *ec2.DescribeVolumesInput, _ ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	most := int(aws.ToInt32(in.MaxResults))
	switch {
	case in.MaxResults != nil && len(in.VolumeIds) > 0:
		return nil, fault("InvalidParameterCombination", "The parameter volumeSet cannot be used with the parameter maxResults")
	case in.MaxResults != nil && most < 5:
		return nil, fault("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 5.", most)
	}
	for _, id := range in.VolumeIds {
		if c.volumes[id] == nil {
			return nil, noVolume(id)
		}
	}
	// A page goes on behind the last ID of the page before.
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(c.volumes)) {
		if id > aws.ToString(in.NextToken) && (len(in.VolumeIds) == 0 || slices.Contains(in.VolumeIds, id)) {
			ids = append(ids, id)
		}
	}
	out := &ec2.DescribeVolumesOutput{}
	if c.Page > 0 && in.MaxResults != nil {
		most = min(most, c.Page)
	}
	for n, id := range ids {
		if in.MaxResults != nil && n == most {
			out.NextToken = aws.String(ids[n-1])
			break
		}
		v := c.look(id)
		if v == nil {
			continue
		}
		if ok, err := passes(*v, in.Filters); err != nil {
			return nil, err
		} else if ok {
			out.Volumes = append(out.Volumes, *v)
		}
	}
	return out, nil
}

// look is one look at a volume; nil: it is gone. The caller holds the lock.
func (c *Cloud) look(id string) *types.Volume {
	v := c.volumes[id]
	if before := v.before; before != nil {
		v.before = nil
		return before
	}
	c.tick(id)
	if v = c.volumes[id]; v == nil {
		return nil
	}
	shown := v.shown(id)
	return &shown
}

// passes reports whether a volume passes all filters, of which each wants one of its values.
func passes(v types.Volume, filters []types.Filter) (bool, error) {
	for _, filter := range filters {
		key, ok := strings.CutPrefix(aws.ToString(filter.Name), "tag:")
		if !ok {
			return false, fault("InvalidParameterValue", "The filter '%s' is invalid", aws.ToString(filter.Name))
		}
		if !slices.ContainsFunc(v.Tags, func(tag types.Tag) bool {
			return aws.ToString(tag.Key) == key && slices.ContainsFunc(filter.Values, func(value string) bool {
				return constraint.FilterMatches(value, aws.ToString(tag.Value))
			})
		}) {
			return false, nil
		}
	}
	return true, nil
}

// CreateTags is EC2's, of volumes.
func (c *Cloud) CreateTags(ctx context.Context, in *ec2.CreateTagsInput, _ ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(in.Tags) == 0 {
		return nil, fault("MissingParameter", "The request must contain the parameter tagSet")
	}
	next := map[string]string{}
	for _, tag := range in.Tags {
		if key := aws.ToString(tag.Key); strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, fault("InvalidParameterValue", "Value ( %s ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use", key)
		}
		next[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	for _, id := range in.Resources {
		v := c.volumes[id]
		if v == nil {
			return nil, noVolume(id)
		}
		tags := maps.Clone(v.tags)
		if tags == nil {
			tags = map[string]string{}
		}
		if maps.Copy(tags, next); len(tags) > tagsMost {
			return nil, fault("TagLimitExceeded", "The maximum number of tags of a resource is %s", strconv.Itoa(tagsMost))
		}
		c.change(id)
		v.tags = tags
	}
	return &ec2.CreateTagsOutput{}, nil
}
