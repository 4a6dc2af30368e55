package endtoend

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	lookers "headroom/internal/adapter/inventory"
	"headroom/internal/local"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	"headroom/internal/stocktake"
)

// stock takes stock of the deployment, as the doctor does.
func (s *system) stock(tb testing.TB) stocktake.Stock {
	tb.Helper()
	taker := stocktake.Taker{
		Stage: stage, Nobody: pool.Nobody, Looker: lookers.New(s.AWS(), stage, s.Clock.Now), Ledger: s.ledger, Now: s.Clock.Now,
	}
	stock, err := taker.Take(tb.Context())
	must(tb, err)
	return stock
}

// rested is how long records have to have been as they are until AWS is held against them, and some more.
const rested = 16 * time.Minute

// awaitSound waits until all hosts are judged, and nothing is found that wants a person.
func (s *system) awaitSound(tb testing.TB) stocktake.Stock {
	tb.Helper()
	time.Sleep(s.Clock.Real(rested))
	var stock stocktake.Stock
	s.awaitFor(tb, 2*patience, "AWS has what the ledger says", func() bool {
		if stock = s.stock(tb); inventory.Clean(stock.Findings) {
			return true
		}
		tb.Logf("found %v", whats(stock.Findings))
		time.Sleep(2 * time.Second)
		return false
	})
	return stock
}

func whats(found []inventory.Finding) string {
	var words []string
	for _, f := range found {
		words = append(words, string(f.Verdict)+" "+string(f.Severity)+": "+f.What)
	}
	return strings.Join(words, "\n")
}

// TestTheDoctorHoldsAWSAgainstTheLedger has hosts and tenants live for a while, in which nothing is found, and plants faults
// of every kind behind Headroom's back: each is found.
func TestTheDoctorHoldsAWSAgainstTheLedger(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 3}, pool.Policy{SlotsPerHost: 3}), func(o *local.Options) { o.Speed = 60 })
	s.awaitInService(t, 1, 1)
	s.signUp(t, "acme", "127.31.1.1")
	s.signUp(t, "globex", "127.31.1.2")
	s.awaitReady(t, "acme", "globex")
	stock := s.awaitSound(t)
	for sort, n := range map[inventory.Sort]int{
		inventory.Stacks: len(stock.Seen.Stacks), inventory.Instances: len(stock.Seen.Instances), inventory.Machines: len(stock.Seen.Machines),
		inventory.Volumes: len(stock.Seen.Volumes), inventory.Gateways: len(stock.Seen.Gateways), inventory.Shares: len(stock.Seen.Shares),
		inventory.Groups: len(stock.Seen.Groups), inventory.Buckets: len(stock.Seen.Buckets), inventory.Secrets: len(stock.Seen.Secrets), inventory.Alarms: len(stock.Seen.Alarms),
	} {
		if n == 0 {
			t.Errorf("no %s were seen", sort)
		}
	}
	if len(stock.Findings) > 0 || stock.Seen.Instances[0].Certificate.IsZero() {
		t.Errorf("certificate until %v, found %s", stock.Seen.Instances[0].Certificate, whats(stock.Findings))
	}

	s.awaitFor(t, 2*patience, "the schedule has AWS held against the ledger", func() bool {
		seen, err := s.ledger.Sightings(t.Context())
		must(t, err)
		if seen.Version > 0 && len(seen.All) > 0 { // what its role may not look at, too
			t.Errorf("the schedule finds %v", seen.All)
		}
		return seen.Version > 0
	})

	told := s.subscribe(t, "people")
	share, database := s.shareHost(t, "acme"), s.host(t, pool.Key{Kind: pool.Database, Tier: tier}.Host(1))
	var free pool.Slot
	for _, slot := range share.Slots {
		if slot.State == pool.SlotFree || slot.State == pool.SlotOffered {
			free = slot
		}
	}
	gateways, groups, alarms := storagegateway.NewFromConfig(s.AWS()), ec2.NewFromConfig(s.AWS()), cloudwatch.NewFromConfig(s.AWS())
	shareARN := strings.Replace(share.Access.Gateway, "gateway/"+share.Access.GatewayID(), "share/", 1)
	rule := func(address string) []ec2types.IpPermission {
		return []ec2types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(2049), ToPort: aws.Int32(2049), IpRanges: []ec2types.IpRange{{CidrIp: aws.String(address + "/32")}}}}
	}
	for _, test := range []struct {
		what  string
		plant func() error
		finds string
	}{
		{"a stranger is let in", func() error {
			_, err := groups.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &share.Access.SecurityGroup, IpPermissions: rule("127.31.9.9")})
			return err
		}, "lets 127.31.9.9/32 in, which is no tenant's of it"},
		{"a tenant is put out", func() error {
			_, err := groups.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &share.Access.SecurityGroup, IpPermissions: rule("127.31.1.2")})
			return err
		}, "does not let 127.31.1.2/32 of tenant globex in"},
		{"a tenant's share is opened to a stranger", func() error {
			_, err := gateways.UpdateNFSFileShare(t.Context(), &storagegateway.UpdateNFSFileShareInput{
				FileShareARN: aws.String(shareARN + share.Slot(s.tenant(t, "acme").Share.Index).Share), ClientList: []string{"127.31.1.1/32", "127.31.9.9/32"},
			})
			return err
		}, "should serve 127.31.1.1/32 (tenant acme)"},
		{"a share is deleted", func() error {
			_, err := gateways.DeleteFileShare(t.Context(), &storagegateway.DeleteFileShareInput{FileShareARN: aws.String(shareARN + free.Share)})
			return err
		}, "share " + free.Share + " of slot"},
		{"an alarm is deleted", func() error {
			_, err := alarms.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{database.Stack.Name + "-cpu"}})
			return err
		}, "host database-standard-1 lacks alarms, so what they tell of goes unheard: cpu"},
		{"a bucket's mark is another", func() error {
			name := pool.BucketName(free.Bucket)
			tags, err := s3.NewFromConfig(s.AWS()).GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &name})
			if err != nil {
				return err
			}
			for i := range tags.TagSet {
				if *tags.TagSet[i].Key == "headroom:slot" {
					tags.TagSet[i].Value = aws.String("share-standard-1/other/1/1")
				}
			}
			_, err = s3.NewFromConfig(s.AWS()).PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &name, Tagging: &s3types.Tagging{TagSet: tags.TagSet}})
			return err
		}, `bears the mark "share-standard-1/other/1/1"`},
		{"a secret of nobody's", func() error {
			_, err := secretsmanager.NewFromConfig(s.AWS()).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
				Name: aws.String("headroom/dev/tenant/umbrella/m1"), SecretString: aws.String("{}"), ClientRequestToken: aws.String(strings.Repeat("a", 32)),
			})
			return err
		}, "is of tenant umbrella, whom the ledger does not know"},
		{"a tenant's secret is deleted", func() error {
			_, err := secretsmanager.NewFromConfig(s.AWS()).DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String(s.tenant(t, "globex").Secret)})
			return err
		}, "the secret of tenant globex is not there"},
		{"the record of a host is as it was before a signup", func() error {
			before := s.host(t, database.ID)
			after := before.Clone()
			slot := after.Slot(s.tenant(t, "acme").Database.Index)
			slot.State, slot.Tenant = pool.SlotFree, ""
			return s.ledger.SaveHost(t.Context(), before, after, pool.Neutral, s.Clock.Now())
		}, "is tenant acme's by its secret, and by the ledger it is"},
		{"the record of a host is lost", func() error {
			_, err := dynamodb.NewFromConfig(s.AWS()).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.table, Key: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "HOST#" + string(database.ID)}, "sk": &types.AttributeValueMemberS{Value: "HOST"},
			}})
			return err
		}, "database instance " + database.Stack.Name + " bears the mark of host database-standard-1, which the ledger does not know"},
	} {
		t.Run(test.what, func(t *testing.T) {
			must(t, test.plant())
			var found string
			s.awaitFor(t, 2*patience, "it is found", func() bool {
				found = whats(s.stock(t).Findings)
				return strings.Contains(found, test.finds)
			})
			if !strings.Contains(found, test.finds) {
				t.Errorf("found\n%s\nand not %q", found, test.finds)
			}
		})
	}

	// The schedule finds it too, and tells all of it once.
	var notices string
	s.awaitFor(t, 3*patience, "people are told of all", func() bool {
		notices += strings.Join(told(), "\n")
		return strings.Contains(notices, "which the ledger does not know (orphaned, ticket)")
	})
	for _, part := range []string{"which the ledger does not know (orphaned, ticket)", "lets 127.31.9.9/32 in", "headroom doctor"} {
		if !strings.Contains(notices, part) {
			t.Errorf("people were not told %q, but\n%s", part, notices)
		}
	}

	cmd := exec.CommandContext(t.Context(), "../../dist/headroom", "doctor", "--endpoint", s.Endpoint)
	cmd.Env = append(cmd.Environ(), "AWS_ACCESS_KEY_ID=", "AWS_PROFILE=", "HEADROOM_STAGE=")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 8 || !strings.Contains(string(out), "which the ledger does not know (orphaned, ticket)") {
		t.Errorf("%v: %s", err, out)
	}
}

func (s *system) tenant(tb testing.TB, id pool.TenantID) pool.Tenant {
	tb.Helper()
	t, err := s.ledger.Tenant(tb.Context(), id)
	must(tb, err)
	return t
}
