package iam

import (
	"net/http"
	"slices"
)

// s3Actions are the actions of S3 operations that bear another name than the operation.
var s3Actions = map[string]string{
	"HeadObject": "GetObject", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket", "HeadBucket": "ListBucket",
	"ListObjectVersions": "ListBucketVersions", "ListMultipartUploads": "ListBucketMultipartUploads", "ListParts": "ListMultipartUploadParts",
	"ListBuckets": "ListAllMyBuckets", "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject",
	"CompleteMultipartUpload": "PutObject", "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
	"GetBucketLifecycleConfiguration": "GetLifecycleConfiguration", "GetBucketEncryption": "GetEncryptionConfiguration",
	"GetPublicAccessBlock": "GetBucketPublicAccessBlock",
}

// s3VersionActions are those that take another permission where a version is named.
var s3VersionActions = map[string]string{
	"GetObject": "GetObjectVersion", "DeleteObject": "DeleteObjectVersion",
	"GetObjectTagging": "GetObjectVersionTagging", "PutObjectTagging": "PutObjectVersionTagging",
}

// s3Conditions are the condition keys that parameters and headers give.
var s3Conditions = map[string]string{
	"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys", "s3:versionid": "versionId",
	"s3:x-amz-server-side-encryption":                "X-Amz-Server-Side-Encryption",
	"s3:x-amz-server-side-encryption-aws-kms-key-id": "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
	"s3:object-lock-mode":                            "X-Amz-Object-Lock-Mode",
	"s3:object-lock-retain-until-date":               "X-Amz-Object-Lock-Retain-Until-Date",
}

// s3Needs are the permissions of a call of S3. What depends on what the bucket holds the service asks for
// itself: each key of DeleteObjects, which is refused by itself; to go past a retention; and whether one who
// asks for what is missing may know that it is.
func (s *Store) s3Needs(operation string, p params, req *http.Request) []need {
	if operation == "DeleteObjects" {
		return nil
	}
	action := operation
	if a, ok := s3Actions[operation]; ok {
		action = a
	}
	if a, ok := s3VersionActions[action]; ok && p.text("versionId") != "" {
		action = a
	}
	resource := "*"
	if bucket := p.text("Bucket"); bucket != "" {
		resource = "arn:aws:s3:::" + bucket
	}
	if key := p.text("Key"); key != "" {
		resource += "/" + key
	}
	header := http.Header{}
	if req != nil {
		header = req.Header
	}
	context := Context{}
	for key, name := range s3Conditions {
		if value := p.text(name); value != "" {
			context[key] = []string{value}
		} else if value := header.Get(name); value != "" {
			context[key] = []string{value}
		}
	}
	needs := s.withKey(need{action: "s3:" + action, resource: resource, context: context})
	if key := header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"); key != "" && action == "PutObject" {
		needs = []need{needs[0], {"kms:GenerateDataKey", s.keyARN(key), s.via("s3")}} // instead of the bucket's
	}
	switch operation {
	case "PutObject", "CreateMultipartUpload":
		if header.Get("X-Amz-Tagging") != "" {
			needs = append(needs, need{action: "s3:PutObjectTagging", resource: resource, context: context})
		}
		if header.Get("X-Amz-Object-Lock-Mode") != "" {
			needs = append(needs, need{action: "s3:PutObjectRetention", resource: resource, context: context})
		}
	}
	// S3 reads the parts of an upload again (user guide, "Uploading and copying objects using multipart upload").
	if slices.Contains([]string{"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}, operation) && len(needs) > 1 && needs[1].action == "kms:GenerateDataKey" {
		needs = append(needs, need{"kms:Decrypt", needs[1].resource, needs[1].context})
	}
	return needs
}
