package main

import (
	"strings"
	"testing"
)

// What a retirement may take away bears the stage's tag, or is a bucket of its name; a snapshot bears its date of deletion too.
func TestWhoRetiresHostsTouchesTheStagesOnly(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		may := a.may("HostSteps")
		const ours = " if StringEquals aws:ResourceTag/headroom:stage STAGE"
		for action, want := range map[string]string{
			"cloudformation:DeleteStack":     ours,
			"storagegateway:DeleteGateway":   ours,
			"storagegateway:DeleteFileShare": ours,
			"ec2:DeleteVolume":               ours,
			"rds:ModifyDBInstance":           ours,
			"rds:AddTagsToResource":          ours,
			"rds:DeleteDBSnapshot":           ours + " and StringLike aws:ResourceTag/headroom:delete-after 2*",
		} {
			for _, grant := range may[action] {
				if !strings.HasSuffix(grant, want) {
					t.Errorf("%s: %s", action, grant)
				}
			}
			if len(may[action]) == 0 {
				t.Errorf("nobody may %s", action)
			}
		}
		for _, never := range []string{
			"s3:DeleteObject", "s3:DeleteObjectVersion", "rds:DeleteDBInstance", "rds:DeleteDBInstanceAutomatedBackup", "storagegateway:EvictFilesFailingUpload",
		} {
			if len(may[never]) > 0 {
				t.Errorf("it may %s: %v", never, may[never])
			}
		}
		for _, s := range identityStatements("control", a.control) {
			for _, action := range s.actions {
				switch action {
				case "cloudformation:DeleteStack", "s3:DeleteBucket", "rds:DeleteDBSnapshot":
					if !strings.HasPrefix(s.where, "control/HostSteps") && !strings.HasPrefix(s.where, "control/HostStacksStackRole") {
						t.Errorf("%s allows %s", s.where, action)
					}
				}
			}
		}
	})
}
