package stacks_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/stacks/stackstest"
	localstacks "headroom/internal/local/cloudformation"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/resource"
)

func TestTheFakeMakesStacksAsCloudFormationDoes(t *testing.T) {
	stackstest.Suite(t, func(*testing.T) stackstest.Client { return &stackstest.CloudFormation{} })
}

func TestTheFakeChangesStacksAsCloudFormationDoes(t *testing.T) {
	stackstest.UpdateSuite(t, newFake)
}

func TestTheFakePreviewsChangesAsCloudFormationDoes(t *testing.T) {
	stackstest.PreviewSuite(t, newFake)
}

func newFake(*testing.T) stackstest.World {
	fake := &stackstest.CloudFormation{Late: 2}
	return stackstest.World{
		Client: fake, Hold: func(bool) {},
		Settle: func(t *testing.T, name string) {
			t.Helper()
			s, ok := fake.Stack(name)
			if !ok {
				t.Fatalf("there is no stack %s", name)
			}
			if done, under := strings.CutSuffix(string(s.Status), "_IN_PROGRESS"); under {
				fake.Finish(name, types.StackStatus(done+"_COMPLETE"), "", nil)
			}
		},
	}
}

func TestTheLocalCloudMakesStacksAsCloudFormationDoes(t *testing.T) {
	stackstest.Suite(t, func(t *testing.T) stackstest.Client { return newLocal(t).Client })
}

func TestTheLocalCloudChangesStacksAsCloudFormationDoes(t *testing.T) {
	stackstest.UpdateSuite(t, newLocal)
}

func TestTheLocalCloudPreviewsChangesAsCloudFormationDoes(t *testing.T) {
	stackstest.PreviewSuite(t, newLocal)
}

func newLocal(t *testing.T) stackstest.World {
	t.Helper()
	engine := localstacks.New(localstacks.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Emit: func(context.Context, string, string, []string, any) {},
	})
	t.Cleanup(engine.Close)
	made := &metadata{}
	engine.Register(made, "AWS::CDK::Metadata")
	client := cloudformation.NewFromConfig(endpointtest.Serve(t, engine.Service()))
	return stackstest.World{Client: client, Hold: made.hold, Settle: func(t *testing.T, name string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			out, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(name)})
			if err != nil {
				t.Fatal(err)
			}
			status := string(out.Stacks[0].StackStatus)
			if !strings.HasSuffix(status, "_IN_PROGRESS") {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("stack %s stays %s", name, status)
			}
		}
	}}
}

// metadata is a resource of which nothing is there. While it is held, nothing is made or deleted.
type metadata struct{ held sync.RWMutex }

func (m *metadata) hold(held bool) {
	if held {
		m.held.Lock()
	} else {
		m.held.Unlock()
	}
}

func (m *metadata) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	m.held.RLock()
	defer m.held.RUnlock()
	return resource.Created{PhysicalID: r.GeneratedName()}, nil
}

func (m *metadata) Delete(context.Context, resource.Resource) error {
	m.held.RLock()
	defer m.held.RUnlock()
	return nil
}

func (m *metadata) Schema(string) resource.Schema { return resource.Schema{} }

func (m *metadata) Update(_ context.Context, before, _ resource.Resource) (resource.Created, error) {
	m.held.RLock()
	defer m.held.RUnlock()
	return resource.Created{PhysicalID: before.PhysicalID}, nil
}
