package main

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Who brings files back reads the versions of shares, and writes beside the present files; nothing reaches an archive. The
// image and the cluster are the archivist's.
func TestWhoBringsBackMayDoThisAndNoMore(t *testing.T) {
	beside := []string{share + "/restored-????????T??????Z-*/*", share + "/restored-????????T??????Z/*"}
	want := map[string][]string{
		"s3:ListBucket":                 {share},
		"s3:ListBucketVersions":         {share},
		"s3:ListBucketMultipartUploads": {share},
		"s3:GetObjectVersion":           {share + "/*"},
		"s3:GetObject":                  beside,
		"s3:PutObject":                  beside,
		"s3:AbortMultipartUpload":       beside,
		"kms:Decrypt":                   {"<HostsKey>" + throughS3, "<SecretsKey>" + throughVault},
		"kms:GenerateDataKey":           {"<HostsKey>" + throughS3},
		"secretsmanager:GetSecretValue": {copierSecrets},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		image := func(p map[string]any) string { return plain(at(list(at(p, "ContainerDefinitions"))[0], "Image")) }
		tasks := a.tasksOf()
		restorer := tasks[restorerName]
		if restorer == nil {
			return // no function runs it
		}
		if image(restorer) != image(tasks[archivistName]) {
			t.Errorf("its image is %s", image(restorer))
		}
		if diff := gocmp.Diff(want, a.may("RestorerJobRole")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		may := a.may("RestorerTaskRole")
		if len(may) != 2 || len(may["sqs:SendMessage"]) != 1 || strings.Contains(may["sqs:SendMessage"][0], "Decommission") ||
			len(may["sts:AssumeRole"]) != 1 || may["sts:AssumeRole"][0] != "<RestorerJobRole>" {
			t.Errorf("the task may %v", may)
		}
	})
}
