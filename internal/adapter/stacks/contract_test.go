package stacks_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"headroom/internal/adapter/stacks/stackstest"
	localstacks "headroom/internal/local/cloudformation"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/resource"
)

func TestTheFakeMakesStacksAsCloudFormationDoes(t *testing.T) {
	stackstest.Suite(t, func(*testing.T) stackstest.Client { return &stackstest.CloudFormation{} })
}

func TestTheLocalCloudMakesStacksAsCloudFormationDoes(t *testing.T) {
	stackstest.Suite(t, func(t *testing.T) stackstest.Client {
		engine := localstacks.New(localstacks.Config{
			Account: endpointtest.Account, Region: endpointtest.Region, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Emit: func(context.Context, string, string, []string, any) {},
		})
		t.Cleanup(engine.Close)
		engine.Register(metadata{}, "AWS::CDK::Metadata")
		return cloudformation.NewFromConfig(endpointtest.Serve(t, engine.Service()))
	})
}

// metadata is a resource of which nothing is there.
type metadata struct{}

func (metadata) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	return resource.Created{PhysicalID: r.GeneratedName()}, nil
}
func (metadata) Delete(context.Context, resource.Resource) error { return nil }
