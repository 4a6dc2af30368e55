package images_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/images"
	"headroom/internal/local/endpoint/endpointtest"
	localec2 "headroom/internal/local/service/ec2"
	"headroom/internal/pool"
)

func TestEC2SaysHowOldAnImageIs(t *testing.T) {
	made := time.Date(2024, 1, 15, 9, 30, 0, 0, time.UTC)
	cloud := localec2.New(localec2.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Now: func() time.Time { return made.AddDate(3, 0, 0) },
		Images: []localec2.Image{{ID: "ami-00000001", Name: "one", Made: made, Deprecated: made.AddDate(2, 0, 0)}, {ID: "ami-00000002", Name: "two", Made: made.AddDate(1, 0, 0)}},
	})
	catalog := &images.Catalog{Client: ec2.NewFromConfig(endpointtest.Serve(t, cloud.Service()))}
	for id, want := range map[string]pool.Image{
		"ami-00000001": {ID: "ami-00000001", Name: "one", Made: made}, // though it is deprecated
		"ami-00000002": {ID: "ami-00000002", Name: "two", Made: made.AddDate(1, 0, 0)},
		"ami-00000003": {ID: "ami-00000003"},
		"":             {},
	} {
		if got, err := catalog.Image(t.Context(), id); err != nil || got != want {
			t.Errorf("of image %q it says %+v, %v", id, got, err)
		}
	}
}

// list answers with what it holds, an image a page, after an empty one.
type list []types.Image

func (l list) DescribeImages(_ context.Context, in *ec2.DescribeImagesInput, _ ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error) {
	at := len(aws.ToString(in.NextToken))
	if at > len(l) {
		return nil, errors.New("there is no such page")
	}
	out := &ec2.DescribeImagesOutput{NextToken: aws.String(aws.ToString(in.NextToken) + "+")}
	if at > 0 {
		out.Images = l[at-1 : at]
	}
	if at == len(l) {
		out.NextToken = nil
	}
	return out, nil
}

func TestAllPagesOfImagesAreRead(t *testing.T) {
	of := func(id, made string) types.Image { return types.Image{ImageId: &id, CreationDate: &made} }
	catalog := &images.Catalog{Client: list{of("ami-00000001", "2024-01-15T09:30:00.000Z"), of("ami-00000002", "2025-01-15T09:30:00.000Z")}}
	if got, err := catalog.Image(t.Context(), "ami-00000002"); err != nil || got.Made.Year() != 2025 {
		t.Errorf("it says %+v, %v", got, err)
	}
	if _, err := (&images.Catalog{Client: list{of("ami-00000001", "lately")}}).Image(t.Context(), "ami-00000001"); err == nil {
		t.Error("a date that is none is taken")
	}
}
