package endtoend

import (
	"testing"
	"time"

	"headroom/internal/local"
)

// TestATenantLeavesWhileItsFunctionIsKilled is the same as TestATenantLeaves, while deliveries are doubled, late and out of
// order, and decommission dies between any two of its calls.
func TestATenantLeavesWhileItsFunctionIsKilled(t *testing.T) {
	t.Parallel()
	s := startWith(t, document{Version: "1", Pools: twoSlots(), Terms: &leavers}, untidy, func(o *local.Options) {
		o.Speed, o.RetryDelay = 20, 100*time.Millisecond
	})
	s.awaitInService(t, 1, 1)
	k := newKiller(t, s, "decommission")
	stopTime := s.hurry(t)
	// A report that a late copy of a message has asked for, and that its killed function did not record, is on nobody's books: its
	// bucket keeps it for a day.
	s.leaves(t, "reports")
	stopTime()
	wantKilledAt(t, k.stop(), commitsOfLeaving)
}

// commitsOfLeaving are what decommission must not lose.
var commitsOfLeaving = map[string][]string{
	"decommission": {
		"dynamodb:TransactWriteItems", "events:PutEvents TenantClosed", "events:PutEvents TenantReopened", "events:PutEvents TenantReleased",
		"ecs:RunTask", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "sqs:SendMessage Step",
		"storagegateway:UpdateNFSFileShare", "storagegateway:NotifyWhenUploaded", "storagegateway:DeleteFileShare", "storagegateway:CreateNFSFileShare",
		"s3:PutObjectRetention", "s3:PutObject", "s3:DeleteObjects", "s3:PutBucketTagging",
		"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress",
	},
}
