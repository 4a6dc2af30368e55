package iam

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"headroom/internal/local/endpoint"
)

// s3Actions are the actions of S3 operations that bear another name than the operation.
var s3Actions = map[string]string{
	"HeadObject": "GetObject", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket", "HeadBucket": "ListBucket",
	"ListObjectVersions": "ListBucketVersions", "ListMultipartUploads": "ListBucketMultipartUploads", "ListParts": "ListMultipartUploadParts",
	"ListBuckets": "ListAllMyBuckets", "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject",
	"CompleteMultipartUpload": "PutObject", "CopyObject": "PutObject", "UploadPartCopy": "PutObject", "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
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
func (s *Store) s3Needs(call endpoint.Call, p params) []need {
	operation := call.Operation
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
	if call.Request != nil {
		header = call.Request.Header
	}
	context := s3Asked(call)
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
	case "PutObject", "CreateMultipartUpload", "CopyObject":
		if header.Get("X-Amz-Tagging") != "" {
			needs = append(needs, need{action: "s3:PutObjectTagging", resource: resource, context: context})
		}
		if header.Get("X-Amz-Object-Lock-Mode") != "" {
			needs = append(needs, need{action: "s3:PutObjectRetention", resource: resource, context: context})
		}
	case "CreateBucket":
		if header.Get("X-Amz-Bucket-Object-Lock-Enabled") == "true" {
			needs = append(needs, need{action: "s3:PutBucketObjectLockConfiguration", resource: resource}, need{action: "s3:PutBucketVersioning", resource: resource})
		}
	}
	if header.Get("X-Amz-Copy-Source") != "" {
		needs = append(needs, s.copyNeeds(operation, header)...)
	}
	if header.Get("If-Match") != "" && action == "PutObject" { // who writes over a version must be able to know it
		needs = append(needs, need{action: "s3:GetObject", resource: resource, context: context})
	}
	// S3 reads the parts of an upload again (user guide, "Uploading and copying objects using multipart upload").
	if slices.Contains([]string{"CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload"}, operation) && len(needs) > 1 && needs[1].action == "kms:GenerateDataKey" {
		needs = append(needs, need{"kms:Decrypt", needs[1].resource, needs[1].context})
	}
	return needs
}

// copyNeeds are what a call needs of the object that it copies ("CopyObject" in S3's API reference). What tags it has is
// not known here: who does not say that the copy has others must be able to read them.
func (s *Store) copyNeeds(operation string, header http.Header) []need {
	source, query, _ := strings.Cut(strings.TrimPrefix(header.Get("X-Amz-Copy-Source"), "/"), "?")
	source, err := url.PathUnescape(source)
	if err != nil {
		return nil // S3 refuses it
	}
	get, tags := "s3:GetObject", "s3:GetObjectTagging"
	if values, err := url.ParseQuery(query); err == nil && values.Get("versionId") != "" {
		get, tags = "s3:GetObjectVersion", "s3:GetObjectVersionTagging"
	}
	needs := s.withKey(need{action: get, resource: "arn:aws:s3:::" + source})
	if operation == "CopyObject" && header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		needs = append(needs, need{action: tags, resource: "arn:aws:s3:::" + source})
	}
	return needs
}

// s3Asked are the condition keys that a call's document gives: the retention and the tags that it asks for.
func s3Asked(call endpoint.Call) Context {
	var asked struct {
		Mode, RetainUntilDate string
		Tags                  []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	context := Context{}
	switch call.Operation {
	case "PutObjectRetention", "PutObjectTagging":
		if err := xml.Unmarshal(call.Body, &asked); err != nil {
			return context // S3 refuses it
		}
	case "PutObject", "CreateMultipartUpload", "CopyObject":
		if call.Request == nil {
			return context
		}
		tags, err := url.ParseQuery(call.Request.Header.Get("X-Amz-Tagging"))
		if err != nil {
			return context
		}
		for key, values := range tags {
			asked.Tags = append(asked.Tags, struct{ Key, Value string }{key, values[0]})
		}
	}
	if asked.Mode != "" {
		context["s3:object-lock-mode"], context["s3:object-lock-retain-until-date"] = []string{asked.Mode}, []string{asked.RetainUntilDate}
	}
	for _, tag := range asked.Tags {
		context["s3:RequestObjectTag/"+tag.Key] = []string{tag.Value}
		context["s3:RequestObjectTagKeys"] = append(context["s3:RequestObjectTagKeys"], tag.Key)
	}
	return context
}
