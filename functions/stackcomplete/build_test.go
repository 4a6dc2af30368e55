package main

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/handler/rdsalarm"
	"headroom/internal/handler/stackcomplete"
)

// Hosts that RDS says do not serve, that do not answer, or whose announcement was cut short are announced here, and not where
// alarms are heard.
func TestWhatIsCordonedHereRanksItsTenantsToo(t *testing.T) {
	c := announced(aws.Config{Region: "eu-west-1"}, stackcomplete.Environment{Stage: "dev"}, nil, rdsalarm.Reader{Within: readWithin})
	reader, ok := c.Usage.(rdsalarm.Reader)
	if !ok || reader.Within != 5*time.Second {
		t.Errorf("notices read what tenants use by %+v", c.Usage)
	}
}
