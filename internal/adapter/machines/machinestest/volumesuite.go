package machinestest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (w World) tag(t *testing.T, id, key, value string) string {
	t.Helper()
	_, err := w.Client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: &key, Value: &value}}})
	return codeOf(t, err)
}

// with lists the volumes whose tag passes a filter's value, page by page.
func (w World) with(t *testing.T, key, value string) []string {
	t.Helper()
	var found []string
	in := &ec2.DescribeVolumesInput{MaxResults: aws.Int32(5), Filters: []types.Filter{{Name: aws.String("tag:" + key), Values: []string{value}}}}
	for pages := ec2.NewDescribeVolumesPaginator(w.Client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil || len(page.Volumes) > 5 {
			t.Fatalf("list volumes: %d, %v", len(page.Volumes), err)
		}
		for _, v := range page.Volumes {
			found = append(found, *v.VolumeId)
		}
	}
	return found
}

// volumes are the cases of volumes that are at no machine.
func volumes(t *testing.T, newWorld func(t *testing.T) World) {
	t.Run("volumes are found by their tags", func(t *testing.T) {
		w := newWorld(t)
		var tagged []string
		for range 7 {
			id := w.Volume(t, here)
			if code := w.tag(t, id, "headroom:host", "share-standard-1"); code != "" {
				t.Fatalf("tag: %s", code)
			}
			tagged = append(tagged, id)
		}
		odd := w.Volume(t, here)
		if code := w.tag(t, odd, "headroom:host", `a*b?c\d`); code != "" {
			t.Fatalf("tag: %s", code)
		}
		slices.Sort(tagged)
		for value, want := range map[string][]string{
			"share-standard-1": tagged, "share-standard": nil, "share-*-1": tagged, "share-standard-?": tagged, `share-\*-1`: nil,
			`a\*b\?c\\d`: {odd}, "none": nil,
		} {
			var got []string
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if got = w.with(t, "headroom:host", value); len(got) == len(want) {
					break
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%q: %q, want %q", value, got, want)
			}
		}
		if code := w.tag(t, odd, "headroom:order", "mark"); code != "" {
			t.Fatalf("tag: %s", code)
		}
		w.await(t, odd, func(v types.Volume) bool { return len(v.Tags) == 2 })
		if got := w.with(t, "headroom:order", "mark"); !slices.Equal(got, []string{odd}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("tags that are refused", func(t *testing.T) {
		w := newWorld(t)
		id := w.Volume(t, here)
		if code := w.tag(t, "vol-"+nobody, "k", "v"); code != "InvalidVolume.NotFound" {
			t.Errorf("of no volume: %s", code)
		}
		if code := w.tag(t, id, "aws:k", "v"); code != "InvalidParameterValue" {
			t.Errorf("of AWS's: %s", code)
		}
		in := &ec2.CreateTagsInput{Resources: []string{id}}
		for i := range 51 {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(strings.Repeat("k", i+1)), Value: aws.String("v")})
		}
		_, err := w.Client.CreateTags(t.Context(), in)
		if code := codeOf(t, err); code != "TagLimitExceeded" {
			t.Errorf("51: %s", code)
		}
	})
	t.Run("lists that are refused", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.Client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{w.Volume(t, here)}, MaxResults: aws.Int32(5)})
		if code := codeOf(t, err); code != "InvalidParameterCombination" {
			t.Errorf("by ID and page: %s", code)
		}
		_, err = w.Client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{MaxResults: aws.Int32(4)})
		if code := codeOf(t, err); code != "InvalidParameterValue" {
			t.Errorf("a page of four: %s", code)
		}
	})
	t.Run("a volume is deleted once it is at no machine", func(t *testing.T) {
		w := newWorld(t)
		volume, machine := w.Volume(t, here), w.Machine(t, here)
		remove := func() string {
			_, err := w.Client.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: &volume})
			return codeOf(t, err)
		}
		w.become(t, machine, types.InstanceStateNameRunning)
		if code := w.attach(t, volume, machine, "/dev/sdf"); code != "" {
			t.Fatalf("attach: %s", code)
		}
		if code := remove(); code != "VolumeInUse" {
			t.Errorf("delete it there: %s", code)
		}
		w.await(t, volume, attached)
		w.Terminate(t, machine)
		w.await(t, volume, available)
		if code := remove(); code != "" {
			t.Errorf("delete it: %s", code)
		}
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			_, err := w.Client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{volume}})
			if codeOf(t, err) == "InvalidVolume.NotFound" {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("it is still there: %v", err)
			}
		}
		if code := remove(); code != "InvalidVolume.NotFound" {
			t.Errorf("delete it again: %s", code)
		}
	})
}
