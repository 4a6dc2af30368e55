package machines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// volumesPage is how many volumes a page lists.
const volumesPage = 500

// errNoTags means that volumes were asked for by no tag: all of the account's would do.
var errNoTags = errors.New("no tag is named")

// TagVolume gives a volume tags, beside those that it has; they may be seen some seconds later. pool.ErrNotFound when
// there is none.
func (m *Machines) TagVolume(ctx context.Context, volume string, tags map[string]string) error {
	in := &ec2.CreateTagsInput{Resources: []string{volume}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	if _, err := m.Client.CreateTags(ctx, in); err != nil {
		return fmt.Errorf("tag volume %s: %w", volume, meaning(err))
	}
	return nil
}

// FindVolumes lists the volumes that bear all of these tags, of which there must be one, by their IDs. What was made,
// tagged or deleted in the last seconds may be missing, or be there still.
func (m *Machines) FindVolumes(ctx context.Context, tags map[string]string) ([]pool.Volume, error) {
	if len(tags) == 0 {
		return nil, fmt.Errorf("find volumes: %w", errNoTags)
	}
	in := &ec2.DescribeVolumesInput{MaxResults: aws.Int32(volumesPage)}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		in.Filters = append(in.Filters, types.Filter{Name: aws.String("tag:" + key), Values: []string{literal.Replace(tags[key])}})
	}
	var found []pool.Volume
	// There is no bound of pages: the call's deadline ends what does not.
	for pages := ec2.NewDescribeVolumesPaginator(m.Client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("find volumes by tags: %w", err)
		}
		for _, v := range page.Volumes {
			volume := pool.Volume{ID: aws.ToString(v.VolumeId), State: string(v.State), GiB: int(aws.ToInt32(v.Size)), Tags: map[string]string{}, Made: aws.ToTime(v.CreateTime)}
			for _, tag := range v.Tags {
				volume.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			found = append(found, volume)
		}
	}
	slices.SortFunc(found, func(a, b pool.Volume) int { return strings.Compare(a.ID, b.ID) })
	return found, nil
}

// Size is how many GiB a volume has. pool.ErrNotFound when there is no such volume any more.
func (m *Machines) Size(ctx context.Context, volume string) (int, error) {
	out, err := m.Client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{volume}})
	if awsclient.IsNotFound(err) || err == nil && len(out.Volumes) == 0 {
		err = pool.ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("look how large volume %s is: %w", volume, err)
	}
	return int(aws.ToInt32(out.Volumes[0].Size)), nil
}

// literal writes a text as a filter's value that means it and nothing else: "*" and "?" stand for others there.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// DeleteVolume has a volume deleted, with all that is on it. One that is gone is no error. pool.ErrInTransit when it is
// at a machine, or on its way.
func (m *Machines) DeleteVolume(ctx context.Context, volume string) error {
	_, err := m.Client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &volume})
	if err != nil && !awsclient.IsNotFound(err) {
		return fmt.Errorf("delete volume %s: %w", volume, meaning(err))
	}
	return nil
}
