package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// Look says how a gateway is. Storage Gateway asks its appliance: pool.ErrUnreachable when that is away, which says
// nothing of why. pool.ErrNotFound when there is no such gateway, or when it was activated a moment ago.
func (g *Gateways) Look(ctx context.Context, arn string) (pool.GatewayLook, error) {
	out, err := g.Client.DescribeGatewayInformation(ctx, &storagegateway.DescribeGatewayInformationInput{GatewayARN: &arn})
	if awsclient.IsNotFound(err) {
		return pool.GatewayLook{}, fmt.Errorf("look at gateway %s: %w: %w", arn, pool.ErrNotFound, err)
	}
	if err != nil {
		return pool.GatewayLook{}, fmt.Errorf("look at gateway %s: %w", arn, reachable(err))
	}
	return pool.GatewayLook{
		State: aws.ToString(out.GatewayState), Machine: aws.ToString(out.Ec2InstanceId), Version: aws.ToString(out.SoftwareVersion),
		UpdateAvailable: aws.ToString(out.NextUpdateAvailabilityDate) != "", DeprecatedAt: dateOf(aws.ToString(out.DeprecationDate)),
	}, nil
}

// dateForms are how a date may be written: it is a string in Storage Gateway's model, of which the form is not documented.
var dateForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly}

// dateOf reads a date; zero when there is none, or none that can be read.
func dateOf(text string) time.Time {
	for _, form := range dateForms {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
