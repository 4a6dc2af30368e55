package quotas

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
)

// valueOf is a quota's value. An answer may bear an error instead: Service Quotas asks some services on the caller's behalf, such as
// RDS, and says there that the caller may not ask these (API Reference, "ErrorReason").
func valueOf(q *types.ServiceQuota) (float64, error) {
	switch {
	case q != nil && q.ErrorReason != nil && q.ErrorReason.ErrorCode != "":
		return 0, fmt.Errorf("%s: %s", q.ErrorReason.ErrorCode, aws.ToString(q.ErrorReason.ErrorMessage))
	case q == nil || q.Value == nil || *q.Value < 0:
		return 0, errNoValue
	}
	return *q.Value, nil
}
