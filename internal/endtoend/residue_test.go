package endtoend

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/pool"
)

// leavesNothing searches all that is left for what was the tenant's. What may be found is its archive, its certificate and
// its history, and what the certificate names. Where something may be left that expires by itself is named.
func (l *leaving) leavesNothing(t *testing.T, expire ...string) {
	t.Helper()
	for where, names := range map[string][]string{
		"the buckets of shares": l.inShareBuckets(t), "secrets": l.inSecrets(t), "shares": l.inShares(t), "security groups": l.inGroups(t),
		"the table": l.inTable(t), "databases": l.inDatabases(t), "files": l.inFiles(t), "logs": l.inLogs(t),
		"reports": l.inReports(t),
	} {
		switch {
		case len(names) > 0 && slices.Contains(expire, where):
			t.Logf("left in %s until it expires: %v", where, names)
		case len(names) > 0:
			t.Errorf("left in %s: %v", where, names)
		}
	}
}

func (l *leaving) inShareBuckets(t *testing.T) (found []string) {
	t.Helper()
	client := s3.NewFromConfig(l.AWS())
	host, err := l.ledger.Host(t.Context(), l.last(t).Tenant.Share.Host)
	must(t, err)
	has := l.last(t).Tenant.Share
	bucket := pool.BucketName(host.Slot(has.Index).Bucket)
	versions, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	must(t, err)
	for _, v := range versions.Versions {
		found = append(found, "version of "+*v.Key)
	}
	for _, m := range versions.DeleteMarkers {
		found = append(found, "delete marker of "+*m.Key)
	}
	uploads, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	must(t, err)
	for _, u := range uploads.Uploads {
		found = append(found, "upload of "+*u.Key)
	}
	return found
}

// inReports lists what is left of reports of files that failed to upload, which have names of files.
func (l *leaving) inReports(t *testing.T) (found []string) {
	t.Helper()
	made, err := storagegateway.NewFromConfig(l.AWS()).ListCacheReports(t.Context(), &storagegateway.ListCacheReportsInput{})
	must(t, err)
	for _, r := range made.CacheReportList {
		found = append(found, *r.CacheReportARN)
	}
	var bucket string
	for _, r := range l.Stacks.Resources("Headroom-" + stage) {
		if r.LogicalID == "ReportBucket" {
			bucket = r.PhysicalID
		}
	}
	objects, err := s3.NewFromConfig(l.AWS()).ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	must(t, err)
	for _, o := range objects.Versions {
		found = append(found, *o.Key)
	}
	return found
}

func (l *leaving) inSecrets(t *testing.T) (found []string) {
	t.Helper()
	all, err := secretsmanager.NewFromConfig(l.AWS()).ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)})
	must(t, err)
	for _, secret := range all.SecretList {
		if strings.Contains(*secret.Name, leaver) || strings.Contains(*secret.Name, "/copier/") {
			found = append(found, *secret.Name)
		}
	}
	return found
}

func (l *leaving) inShares(t *testing.T) (found []string) {
	t.Helper()
	client := storagegateway.NewFromConfig(l.AWS())
	all, err := client.ListFileShares(t.Context(), &storagegateway.ListFileSharesInput{})
	must(t, err)
	for _, share := range all.FileShareInfoList {
		described, err := client.DescribeNFSFileShares(t.Context(), &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: []string{*share.FileShareARN}})
		must(t, err)
		info := described.NFSFileShareInfoList[0]
		if strings.Contains(aws.ToString(info.Path), strings.Trim(l.ready.Share.Path, "/")) || strings.Contains(strings.Join(info.ClientList, " "), leftFrom) {
			found = append(found, *share.FileShareARN)
		}
		tags, err := client.ListTagsForResource(t.Context(), &storagegateway.ListTagsForResourceInput{ResourceARN: share.FileShareARN})
		must(t, err)
		for _, tag := range tags.Tags {
			if strings.Contains(*tag.Value, leaver) {
				found = append(found, "tag "+*tag.Key)
			}
		}
	}
	return found
}

func (l *leaving) inGroups(t *testing.T) (found []string) {
	t.Helper()
	groups, err := ec2.NewFromConfig(l.AWS()).DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
	must(t, err)
	for _, group := range groups.SecurityGroups {
		for _, permission := range group.IpPermissions {
			for _, source := range permission.IpRanges {
				if strings.HasPrefix(aws.ToString(source.CidrIp), leftFrom+"/") || strings.Contains(aws.ToString(source.Description), leaver) {
					found = append(found, aws.ToString(group.GroupId)+" lets in "+aws.ToString(source.CidrIp))
				}
			}
		}
	}
	return found
}

// inTable searches all items. Those of the tenant's history may name it and its addresses; the audit, which is never
// taken away, says who had it leave and what of it was destroyed, and so names it, but not from where it came.
func (l *leaving) inTable(t *testing.T) (found []string) {
	t.Helper()
	out, err := dynamodb.NewFromConfig(l.AWS()).Scan(t.Context(), &dynamodb.ScanInput{TableName: &l.table, ConsistentRead: aws.Bool(true)})
	must(t, err)
	for _, item := range out.Items {
		key, text := textOf(item["pk"])+" "+textOf(item["sk"]), everyText(item)
		if strings.HasPrefix(key, "TENANT#"+leaver) {
			text = strings.ReplaceAll(strings.ReplaceAll(text, leaver, ""), leftFrom, "")
		}
		if strings.HasPrefix(key, "AUDIT#") {
			text = strings.ReplaceAll(text, leaver, "")
		}
		for _, trace := range []string{leaver, leftFrom + " ", l.credentials.Password, inFile, inRow} {
			if strings.Contains(text+" ", trace) {
				found = append(found, key+" has "+trace)
			}
		}
	}
	return found
}

func (l *leaving) inDatabases(t *testing.T) (found []string) {
	t.Helper()
	host, err := l.ledger.Host(t.Context(), l.last(t).Tenant.Database.Host)
	must(t, err)
	conn := l.system.connect(t, host)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT 'database ' || datname FROM pg_database WHERE datname = $1
		UNION SELECT 'role ' || rolname FROM pg_roles WHERE rolname = $2 OR rolname LIKE 'c\_%'`, l.ready.Database.Name, l.ready.Database.Username)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		found = append(found, name)
	}
	return found
}

// inFiles searches what the local cloud has on its disks: of servers, gateways and buckets, but for that of archives. A
// server's write-ahead log is part of what its backups hold.
func (l *leaving) inFiles(t *testing.T) (found []string) {
	t.Helper()
	archives := l.output(t, "ArchiveBucketName")
	must(t, filepath.WalkDir(l.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(path, "/pg_wal/") || strings.Contains(path, "/"+archives+"/") {
			return nil // what comes and goes meanwhile
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 64<<20 {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for _, trace := range []string{l.credentials.Password, inFile, inRow} {
			if bytes.Contains(content, []byte(trace)) {
				found = append(found, strings.TrimPrefix(path, l.Dir)+" has "+trace)
			}
		}
		return nil
	}))
	return found
}

// inLogs searches what was logged, published and sent. That a tenant of this name left, from where, is the audit.
func (l *leaving) inLogs(t *testing.T) (found []string) {
	t.Helper()
	for where, text := range l.everythingSaid(t) {
		for _, trace := range []string{l.credentials.Password, inFile, inRow} {
			if strings.Contains(text, trace) {
				found = append(found, where+" has "+trace)
			}
		}
	}
	return found
}

// textOf is the text of an attribute.
func textOf(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

// everyText is all text in an item, whatever it is nested in.
func everyText(item map[string]types.AttributeValue) string {
	text, err := attributevalue.MarshalMapJSON(item)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
