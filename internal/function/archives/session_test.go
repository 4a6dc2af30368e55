package archives

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"headroom/events"
)

const role = "arn:aws-us-gov:iam::123456789012:role/headroom-dev-archivist-job"

// issuer is STS, as far as it was asked last.
type issuer struct{ asked *sts.AssumeRoleInput }

func (i *issuer) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	i.asked = in
	if len(aws.ToString(in.Policy)) > 2048 || len(aws.ToString(in.RoleSessionName)) > 64 {
		return nil, errors.New("ValidationError")
	}
	return &sts.AssumeRoleOutput{Credentials: &types.Credentials{
		AccessKeyId: aws.String("key"), SecretAccessKey: aws.String("secret"), SessionToken: aws.String("token"), Expiration: aws.Time(time.Now().Add(time.Hour)),
	}}, nil
}

// asked is the policy of a job's session: actions by resource.
func asked(t *testing.T, job events.ArchivistJob) map[string]string {
	t.Helper()
	var i issuer
	provider, err := session(&i, role, job)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := provider.Retrieve(t.Context()); err != nil || got.SessionToken != "token" {
		t.Fatalf("got %v", err)
	}
	var p policy
	if err := json.Unmarshal([]byte(aws.ToString(i.asked.Policy)), &p); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range p.Statement {
		found[strings.Join(s.Resource, " ")] += strings.Join(s.Action, " ")
	}
	return found
}

func TestASessionIsOfOneTenant(t *testing.T) {
	job := events.ArchivistJob{
		Job: events.JobArchive, ID: "acme.k3v9x2m7qa", Attempt: 3, TenantID: strings.Repeat("a", 64), Bucket: strings.Repeat("b", 63),
		Database: &events.JobDatabase{SecretARN: "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:headroom/dev/copier/acme.k3v9x2m7qa/3-AbCdEf"},
		Archive:  &events.ArchiveRef{Bucket: "archive"},
	}
	got := asked(t, job)
	for resource, action := range map[string]string{
		"arn:aws-us-gov:s3:::" + job.Bucket:             "s3:ListBucketVersions",
		"arn:aws-us-gov:s3:::" + job.Bucket + "/*":      "s3:GetObjectVersion",
		"arn:aws-us-gov:s3:::archive":                   "s3:ListBucketMultipartUploads",
		"arn:aws-us-gov:s3:::archive/acme.k3v9x2m7qa/*": "s3:PutObject",
		job.Database.SecretARN:                          "secretsmanager:GetSecretValue",
	} {
		if !strings.Contains(got[resource], action) {
			t.Errorf("%s may not be used for %s: %v", resource, action, got)
		}
	}
	if len(got) != 6 {
		t.Errorf("got %v", got)
	}
	for resource, actions := range got {
		if strings.Contains(actions, "Delete") || strings.Contains(actions, "Retention") || resource == "*" && !strings.HasPrefix(actions, "kms:") {
			t.Errorf("%s on %s", actions, resource)
		}
	}
	// Who verifies writes nothing, and reads no file of the share's.
	job.Job = events.JobVerify
	for resource, actions := range asked(t, job) {
		if strings.Contains(actions, "Put") || strings.Contains(actions, "Abort") || resource == "arn:aws-us-gov:s3:::"+job.Bucket+"/*" {
			t.Errorf("%s on %s", actions, resource)
		}
	}
	// Who looks into a share reaches no bucket.
	probe := events.ArchivistJob{Job: events.JobProbe, ID: "acme.k3v9x2m7qa/share", Attempt: 1, TenantID: "acme"}
	if got := asked(t, probe); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	// Who brings files back writes into their folder alone, and who brings a database back reaches no bucket.
	files := events.ArchivistJob{Job: events.JobRestoreFiles, ID: "acme.restore-1", Attempt: 1, TenantID: "acme", Bucket: "share", Folder: "restored-20261126T101500Z/"}
	got = asked(t, files)
	for resource, actions := range got {
		if resource != "arn:aws-us-gov:s3:::share/restored-20261126T101500Z/*" && (strings.Contains(actions, "Put") || strings.Contains(actions, "Abort")) || strings.Contains(actions, "Delete") {
			t.Errorf("%s on %s", actions, resource)
		}
	}
	if !strings.Contains(got["arn:aws-us-gov:s3:::share/*"], "s3:GetObjectVersion") || len(got) != 4 {
		t.Errorf("got %v", got)
	}
	base := events.ArchivistJob{
		Job: events.JobRestoreDatabase, ID: "acme.restore-1", Attempt: 1, TenantID: "acme",
		Database: &events.JobDatabase{SecretARN: "arn:copier"}, StandIn: &events.JobDatabase{SecretARN: "arn:filler"},
	}
	if got := asked(t, base); len(got) != 3 || got["arn:copier"] != "secretsmanager:GetSecretValue" || got["arn:filler"] != "secretsmanager:GetSecretValue" {
		t.Errorf("got %v", got)
	}
	if _, err := session(&issuer{}, "no role", probe); err == nil {
		t.Error("took a role that is none")
	}
}
