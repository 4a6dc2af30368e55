package images

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/pool"
)

// Catalog is EC2's list of AWS's own images: hosts' machines are made from no other.
type Catalog struct {
	Client ec2.DescribeImagesAPIClient
}

// Image describes an image, a deprecated one too. One that EC2 does not list, or not any more, has its ID and nothing else: it is
// asked for by a filter, because by its ID some that are gone are refused, and as various errors.
func (c *Catalog) Image(ctx context.Context, id string) (pool.Image, error) {
	image := pool.Image{ID: id}
	if id == "" {
		return image, nil
	}
	pages := ec2.NewDescribeImagesPaginator(c.Client, &ec2.DescribeImagesInput{
		Owners: []string{"amazon"}, Filters: []types.Filter{{Name: aws.String("image-id"), Values: []string{id}}}, IncludeDeprecated: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return image, fmt.Errorf("describe image %s: %w", id, err)
		}
		for _, found := range page.Images {
			if aws.ToString(found.ImageId) != id {
				continue
			}
			made, err := time.Parse(time.RFC3339, aws.ToString(found.CreationDate))
			if err != nil {
				return image, fmt.Errorf("read when image %s was made: %w", id, err)
			}
			image.Name, image.Made = aws.ToString(found.Name), made.UTC()
		}
	}
	return image, nil
}
