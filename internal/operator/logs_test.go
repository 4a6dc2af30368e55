package operator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"headroom/internal/ledger/memory"
)

// groups are log groups of which each has a line.
type groups map[string]string

func (g groups) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	line, there := g[aws.ToString(in.LogGroupName)]
	if !there {
		return nil, &types.ResourceNotFoundException{}
	}
	return &cloudwatchlogs.FilterLogEventsOutput{Events: []types.FilteredLogEvent{{Timestamp: aws.Int64(noon.UnixMilli()), Message: &line}}}, nil
}

func TestLinesOfTasksAreFoundBesideThoseOfFunctions(t *testing.T) {
	o := Operator{
		Deployment: Deployment{Stage: "dev", Outputs: map[string]string{"SignupDlqUrl": "https://sqs/signup-dlq"}},
		Ledger:     inMemory{memory.New(memory.Options{})}, Now: func() time.Time { return noon },
		Logs: groups{
			"/aws/lambda/headroom-dev-signup": `{"level":"INFO","msg":"tenant requested","correlationId":"m-17"}`,
			"/aws/ecs/headroom-dev-archivist": `{"level":"INFO","msg":"job begun","correlationId":"m-17"}`,
		},
	}
	lines, more, err := o.Lines(t.Context(), LogFilter{Of: "m-17", Since: time.Hour})
	if err != nil || more {
		t.Fatal(more, err)
	}
	var said []string
	for _, l := range lines {
		said = append(said, l.Function+": "+l.Message+" of "+l.CorrelationID)
	}
	slices.Sort(said)
	if want := []string{"archivist: job begun of m-17", "signup: tenant requested of m-17"}; !slices.Equal(said, want) {
		t.Errorf("lines are %v", said)
	}
}
