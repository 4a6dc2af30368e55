// Package images knows the machine images of the gateways: AWS names the newest in a public SSM parameter, and EC2 says how old
// each is.
package images

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

type client interface {
	GetParameter(ctx context.Context, in *ssm.GetParameterInput, opts ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// Parameter is a public parameter that names an image.
type Parameter struct {
	Client client
	Name   string
}

// Newest reads the ID of the newest image. pool.ErrNotFound when there is no such parameter, as in a
// region without Storage Gateway.
func (p *Parameter) Newest(ctx context.Context) (string, error) {
	out, err := p.Client.GetParameter(ctx, &ssm.GetParameterInput{Name: &p.Name})
	if awsclient.IsNotFound(err) {
		return "", fmt.Errorf("read the newest image from parameter %s: %w: %w", p.Name, pool.ErrNotFound, err)
	}
	if err != nil {
		return "", fmt.Errorf("read the newest image from parameter %s: %w", p.Name, err)
	}
	var id string
	if out.Parameter != nil {
		id = aws.ToString(out.Parameter.Value)
	}
	if !pool.IsImageID(id) {
		return "", fmt.Errorf("read the newest image from parameter %s: %q is no image's ID", p.Name, id)
	}
	return id, nil
}
