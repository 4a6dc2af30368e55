package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A lock is past only by a right that nobody has, and what is in the archive is deleted by nobody.
func TestNobodyGoesPastALock(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, s := range identityStatements("control", a.control) {
			for _, action := range s.actions {
				switch {
				case s.effect != "Allow":
				case action == "s3:BypassGovernanceRetention" || action == "s3:PutObjectLegalHold" || action == "s3:PutBucketObjectLockConfiguration":
					t.Errorf("%s allows %s", s.where, action)
				case strings.HasPrefix(action, "s3:DeleteObject") || action == "s3:PutBucketPolicy" || strings.HasSuffix(action, "LifecycleConfiguration"):
					for _, r := range s.resources {
						text := plain(r)
						theirs := strings.Contains(text, ":s3:::headroom-"+a.stage.Name+"-share-*") || text == "<ReportBucket>/*"
						if strings.Contains(text, "ArchiveBucket") || !theirs {
							t.Errorf("%s allows %s on %s", s.where, action, text)
						}
					}
				case strings.HasPrefix(action, "kms:ScheduleKeyDeletion"):
					t.Errorf("%s allows %s", s.where, action)
				}
			}
		}
	})
}

func TestTheArchiveIsLockedPrivateAndKept(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		bucket, policy := a.control.Resources["ArchiveBucket"], a.control.Resources["ArchiveBucketPolicy"]
		if n := len(a.control.of("AWS::S3::Bucket")); n != 2 || bucket.Type != "AWS::S3::Bucket" {
			t.Fatalf("%d buckets; none with the logical id ArchiveBucket, or one more beside that of reports: another id would make a new, empty one", n)
		}
		for what, kept := range map[string]resource{"bucket": bucket, "policy": policy, "key": a.control.Resources["ArchivesKey"]} {
			if kept.DeletionPolicy != "Retain" || kept.UpdateReplacePolicy != "Retain" {
				t.Errorf("the %s is kept: %s, %s", what, kept.DeletionPolicy, kept.UpdateReplacePolicy)
			}
		}
		p := bucket.Properties
		rules, _ := at(p, "BucketEncryption", "ServerSideEncryptionConfiguration").([]any)
		ownership, _ := at(p, "OwnershipControls", "Rules").([]any)
		if p["ObjectLockEnabled"] != true || p["ObjectLockConfiguration"] != nil || at(p, "VersioningConfiguration", "Status") != "Enabled" {
			t.Errorf("locks %v by %v, versions %v: a default would lock failed attempts", p["ObjectLockEnabled"], p["ObjectLockConfiguration"], p["VersioningConfiguration"])
		}
		if p["BucketName"] != nil {
			t.Error("a bucket that is kept and has a name is in the way of the next stack")
		}
		if len(rules) != 1 || referred(at(rules[0], "ServerSideEncryptionByDefault", "KMSMasterKeyID")) != "ArchivesKey" {
			t.Errorf("encrypted %v", rules)
		}
		if len(ownership) != 1 || at(ownership[0], "ObjectOwnership") != "BucketOwnerEnforced" {
			t.Errorf("owned %v", ownership)
		}
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if at(p, "PublicAccessBlockConfiguration", block) != true {
				t.Errorf("%s is off", block)
			}
		}
		document, _ := json.Marshal(policy.Properties["PolicyDocument"])
		if !strings.Contains(string(document), `"aws:SecureTransport":"false"`) || !strings.Contains(string(document), `"Deny"`) {
			t.Errorf("policy %s", document)
		}
		if referred(a.control.Outputs["ArchiveBucketName"]["Value"]) != "ArchiveBucket" {
			t.Errorf("output %v", a.control.Outputs["ArchiveBucketName"])
		}
	})
}

// Nothing that is verified may expire, and nothing that is not may stay for ever.
func TestOnlyAttemptsExpireInTheArchive(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		lifecycle := at(a.control.Resources["ArchiveBucket"].Properties, "LifecycleConfiguration")
		if at(lifecycle, "TransitionDefaultMinimumObjectSize") != "varies_by_storage_class" {
			t.Error("what is small stays where it costs more")
		}
		deep, expires, aborts := "", "", false
		for _, rule := range list(at(lifecycle, "Rules")) {
			filters, _ := at(rule, "TagFilters").([]any)
			tag := ""
			if len(filters) == 1 && at(filters[0], "Key") == archiveTag {
				tag, _ = at(filters[0], "Value").(string)
			}
			for _, transition := range list(cmp.Or(at(rule, "Transitions"), any([]any{}))) {
				deep += fmt.Sprint(tag, " ", at(transition, "StorageClass"), " ", at(transition, "TransitionInDays"))
			}
			days, noncurrent := at(rule, "ExpirationInDays"), at(rule, "NoncurrentVersionExpiration", "NoncurrentDays")
			if days != nil || noncurrent != nil {
				expires += fmt.Sprint(tag, " ", days, " ", noncurrent)
			}
			if at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation") == 7.0 {
				aborts = tag == "" && at(rule, "ExpiredObjectDeleteMarker") == true
			}
			if at(rule, "Status") != "Enabled" {
				t.Errorf("%v", rule)
			}
		}
		if deep != "deep DEEP_ARCHIVE 1" || expires != "attempt 30 1" || !aborts {
			t.Errorf("goes to deep storage: %q; expires: %q; unfinished uploads end: %t", deep, expires, aborts)
		}
	})
}

// The key that archives are encrypted with is not to be destroyed by a right that some administrator has by habit.
func TestTheArchivesKeyIsNotEasilyDestroyed(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		denied := map[string]bool{}
		for _, s := range list(at(a.control.Resources["ArchivesKey"].Properties, "KeyPolicy", "Statement")) {
			if at(s, "Effect") == "Deny" && at(s, "Principal", "AWS") == "*" && at(s, "Condition") == nil {
				for _, action := range list(at(s, "Action")) {
					denied[fmt.Sprint(action)] = true
				}
			}
		}
		if !denied["kms:ScheduleKeyDeletion"] || !denied["kms:DisableKey"] || len(denied) != 2 {
			t.Errorf("denied: %v", slices.Collect(maps.Keys(denied)))
		}
	})
}
