package main

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// What a gateway could not upload is on its disk alone, and Storage Gateway has calls that throw it away. Who retires hosts
// deletes gateways, which it does once each share of one has gone, not by force.
func TestNobodyThrowsAwayWhatFailsToUpload(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for where, of := range map[string]template{"control": a.control, "share": a.share, "database": a.database} {
			for _, s := range identityStatements(where, of) {
				for _, action := range s.actions {
					if s.effect == "Allow" && (strings.HasPrefix(action, "storagegateway:Evict") || action == "storagegateway:*" || action == "storagegateway:DeleteGateway" && !strings.HasPrefix(s.where, "control/HostStepsRole") || action == "*") {
						t.Errorf("%s allows %s", s.where, action)
					}
				}
			}
		}
	})
}

func TestReportsAreWrittenByARoleOfTheirOwnAndDoNotStay(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		p := a.control.Resources["ReportBucket"].Properties
		rules := list(at(p, "LifecycleConfiguration", "Rules"))
		if len(rules) != 1 || at(rules[0], "ExpirationInDays") != 1.0 || at(rules[0], "AbortIncompleteMultipartUpload", "DaysAfterInitiation") != 1.0 ||
			at(rules[0], "Status") != "Enabled" || p["VersioningConfiguration"] != nil || p["ObjectLockEnabled"] != nil {
			t.Errorf("reports stay: %v", p)
		}
		if encryption := list(at(p, "BucketEncryption", "ServerSideEncryptionConfiguration")); referred(at(encryption[0], "ServerSideEncryptionByDefault", "KMSMasterKeyID")) != "ArchivesKey" {
			t.Errorf("encrypted %v", encryption)
		}
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if at(p, "PublicAccessBlockConfiguration", block) != true {
				t.Errorf("%s is off", block)
			}
		}
		key := "<ArchivesKey> if StringEquals kms:ViaService s3."
		want := map[string][]string{
			"s3:AbortMultipartUpload": {"<ReportBucket>/*"}, "s3:PutObject": {"<ReportBucket>/*"}, "kms:Decrypt": {key}, "kms:GenerateDataKey": {key},
		}
		if diff := gocmp.Diff(want, a.may("ReportsRole")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
