package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// It reads the audit, adds what is locked to one folder, and can neither take anything away nor write lines.
func TestWhoCopiesTheAuditMayDoThisAndNoMore(t *testing.T) {
	const folder = "<ArchiveBucket>/audit/*"
	want := map[string][]string{
		"dynamodb:Query":        {"<Table> if ForAllValues:StringLike dynamodb:LeadingKeys AUDIT#* and Null dynamodb:LeadingKeys false"},
		"dynamodb:GetItem":      {"<Table> if ForAllValues:StringEquals dynamodb:LeadingKeys AUDITCOPIES and Null dynamodb:LeadingKeys false"},
		"dynamodb:PutItem":      {"<Table> if ForAllValues:StringEquals dynamodb:LeadingKeys AUDITCOPIES and Null dynamodb:LeadingKeys false"},
		"s3:ListBucketVersions": {"<ArchiveBucket> if StringLike s3:prefix audit/*"},
		"s3:GetObject":          {folder},
		"s3:GetObjectVersion":   {folder},
		"s3:PutObject":          {folder},
		"s3:PutObjectRetention": {folder + " if StringEquals s3:object-lock-mode GOVERNANCE"},
		"kms:GenerateDataKey":   {"<ArchivesKey>" + throughS3},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		got := a.may("AuditCopiesRole")
		for action := range got {
			if strings.HasPrefix(action, "sqs:") || strings.HasPrefix(action, "logs:") || action == "kms:Decrypt" || strings.HasPrefix(action, "xray:") {
				delete(got, action) // that of every function: its queue, its log, and keys through what uses them
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got), of %v:\n%s", slices.Sorted(maps.Keys(got)), diff)
		}
	})
}
