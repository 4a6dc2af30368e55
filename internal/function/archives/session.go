package archives

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"headroom/events"
)

// sessionNameMost bounds the name of a session.
const sessionNameMost = 64

// Session is cfg with the credentials of a session of a role, which may do what one job needs, and nothing of another
// tenant's: a role alone can't tell whose job it is. That bounds mistakes; a task that was taken over could ask for
// another session. A session that a role begins lasts an hour, and is renewed.
func Session(cfg aws.Config, role string, job events.ArchivistJob) (aws.Config, error) {
	provider, err := session(sts.NewFromConfig(cfg), role, job)
	if err != nil {
		return cfg, err
	}
	cfg = cfg.Copy()
	cfg.Credentials = aws.NewCredentialsCache(provider)
	return cfg, nil
}

func session(client stscreds.AssumeRoleAPIClient, role string, job events.ArchivistJob) (aws.CredentialsProvider, error) {
	parsed, err := arn.Parse(role)
	if err != nil {
		return nil, fmt.Errorf("read the role of jobs: %w", err)
	}
	policy, err := json.Marshal(policyOf(job, parsed.Partition))
	if err != nil {
		return nil, fmt.Errorf("write a session policy: %w", err)
	}
	name := fmt.Sprintf("%s-%d-%s", job.Job, job.Attempt, job.TenantID)
	return stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) {
		o.Policy, o.RoleSessionName = aws.String(string(policy)), name[:min(len(name), sessionNameMost)]
	}), nil
}

// policy is an IAM policy.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect   string
	Action   []string
	Resource []string
}

// policyOf is what a job may do.
func policyOf(job events.ArchivistJob, partition string) policy {
	p := policy{Version: "2012-10-17"}
	allow := func(resource string, actions ...string) {
		p.Statement = append(p.Statement, statement{"Allow", actions, []string{resource}})
	}
	bucket := func(name string) string { return "arn:" + partition + ":s3:::" + name }
	if job.Bucket != "" {
		allow(bucket(job.Bucket), "s3:ListBucket", "s3:ListBucketVersions")
		if job.Job == events.JobArchive || job.Job == events.JobRestoreFiles {
			allow(bucket(job.Bucket)+"/*", "s3:GetObjectVersion")
		}
		if job.Job == events.JobRestoreFiles {
			allow(bucket(job.Bucket), "s3:ListBucketMultipartUploads")
			// Beside the present files, never over them. In a folder's name nothing is a pattern.
			allow(bucket(job.Bucket)+"/"+job.Folder+"*", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
		}
	}
	if ref := job.Archive; ref != nil {
		allow(bucket(ref.Bucket), "s3:ListBucket", "s3:ListBucketMultipartUploads")
		actions := []string{"s3:GetObject", "s3:GetObjectVersion"}
		if job.Job == events.JobArchive {
			actions = append(actions, "s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging")
		}
		// A key begins with the departure's ID, in which nothing is a pattern.
		allow(bucket(ref.Bucket)+"/"+job.ID+"/*", actions...)
	}
	for _, d := range []*events.JobDatabase{job.Database, job.StandIn} {
		if d != nil {
			allow(d.SecretARN, "secretsmanager:GetSecretValue")
		}
	}
	// Of which keys, the role says, and through which service.
	allow("*", "kms:Decrypt", "kms:GenerateDataKey")
	return p
}
