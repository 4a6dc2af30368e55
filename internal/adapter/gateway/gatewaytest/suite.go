package gatewaytest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/adapter/awsclient"
)

// World is one that stands for Storage Gateway, with a gateway that has its cache and no shares.
type World struct {
	Client interface {
		ActivateGateway(context.Context, *storagegateway.ActivateGatewayInput, ...func(*storagegateway.Options)) (*storagegateway.ActivateGatewayOutput, error)
		AddTagsToResource(context.Context, *storagegateway.AddTagsToResourceInput, ...func(*storagegateway.Options)) (*storagegateway.AddTagsToResourceOutput, error)
		CreateNFSFileShare(context.Context, *storagegateway.CreateNFSFileShareInput, ...func(*storagegateway.Options)) (*storagegateway.CreateNFSFileShareOutput, error)
		DescribeNFSFileShares(context.Context, *storagegateway.DescribeNFSFileSharesInput, ...func(*storagegateway.Options)) (*storagegateway.DescribeNFSFileSharesOutput, error)
		DeleteFileShare(context.Context, *storagegateway.DeleteFileShareInput, ...func(*storagegateway.Options)) (*storagegateway.DeleteFileShareOutput, error)
		NotifyWhenUploaded(context.Context, *storagegateway.NotifyWhenUploadedInput, ...func(*storagegateway.Options)) (*storagegateway.NotifyWhenUploadedOutput, error)
		RefreshCache(context.Context, *storagegateway.RefreshCacheInput, ...func(*storagegateway.Options)) (*storagegateway.RefreshCacheOutput, error)
		StartCacheReport(context.Context, *storagegateway.StartCacheReportInput, ...func(*storagegateway.Options)) (*storagegateway.StartCacheReportOutput, error)
		DescribeCacheReport(context.Context, *storagegateway.DescribeCacheReportInput, ...func(*storagegateway.Options)) (*storagegateway.DescribeCacheReportOutput, error)
		DeleteCacheReport(context.Context, *storagegateway.DeleteCacheReportInput, ...func(*storagegateway.Options)) (*storagegateway.DeleteCacheReportOutput, error)
		UpdateNFSFileShare(context.Context, *storagegateway.UpdateNFSFileShareInput, ...func(*storagegateway.Options)) (*storagegateway.UpdateNFSFileShareOutput, error)
	}
	Gateway string // ARN

	// Instance is the address of a client, from which Write writes a file "file" to a share (by its ARN) and waits until
	// that is acknowledged.
	Instance string
	Write    func(t *testing.T, share string)
	// Hold has each upload of a share denied, or lets it go on; Away cuts the gateway off, or gives it back.
	Hold func(share string, held bool)
	Away func(away bool)
	// Object is what an object holds that a report was written to.
	Object func(bucket, key string) string
	// Events are the events so far, as a queue behind a rule gets them.
	Events func() [][]byte
}

// What the suite's shares are made of. Who stands for Storage Gateway must lack the role and the bucket that
// are missing, and have all others.
const (
	suiteRole     = "arn:aws:iam::123456789012:role/share"
	suiteBucket   = "arn:aws:s3:::bucket-one"
	MissingRole   = "arn:aws:iam::123456789012:role/missing"
	MissingBucket = "arn:aws:s3:::bucket-missing"
)

// form is a request for a share that nothing is wrong with.
func (w World) form() *storagegateway.CreateNFSFileShareInput {
	return &storagegateway.CreateNFSFileShareInput{
		ClientToken: aws.String("token-1"), GatewayARN: aws.String(w.Gateway), LocationARN: aws.String(suiteBucket), Role: aws.String(suiteRole),
		FileShareName: aws.String("x7"), EncryptionType: types.EncryptionTypeSseKms, KMSKey: aws.String("arn:aws:kms:eu-west-1:123456789012:key/k"),
		ClientList: []string{"192.0.2.1/32"}, Squash: aws.String("RootSquash"), ObjectACL: types.ObjectACLBucketOwnerFullControl,
		Tags: []types.Tag{{Key: aws.String("headroom:host"), Value: aws.String("share-standard-1")}},
	}
}

// become waits until a share has a status, and returns it as it is then.
func (w World) become(t *testing.T, arn, status string) types.NFSFileShareInfo {
	t.Helper()
	var last string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		out, err := w.Client.DescribeNFSFileShares(t.Context(), &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: []string{arn}})
		if err != nil {
			t.Fatal(err)
		}
		if last = aws.ToString(out.NFSFileShareInfoList[0].FileShareStatus); last == status {
			return out.NFSFileShareInfoList[0]
		}
	}
	t.Fatalf("the share is %s, and never became %s", last, status)
	return types.NFSFileShareInfo{}
}

// Suite is what Storage Gateway does about shares, and what it refuses. Its codes are the inner ones, where
// there are any.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	type request = storagegateway.CreateNFSFileShareInput
	const model, service = "ValidationException", "InvalidParameters"
	tests := []struct {
		name   string
		change func(*request)
		code   string
		says   string
	}{
		{"a client token of 2 characters", func(in *request) { in.ClientToken = aws.String("ab") }, model, "Value 'ab' at 'clientToken' failed to satisfy constraint: Member must have length greater than or equal to 5"},
		{"a client token of 101 characters", func(in *request) { in.ClientToken = aws.String(strings.Repeat("t", 101)) }, model, "at 'clientToken' failed to satisfy constraint: Member must have length less than or equal to 100"},
		{"an unknown ObjectACL", func(in *request) { in.ObjectACL = "everybody" }, model, "Value 'everybody' at 'objectACL' failed to satisfy constraint: Member must satisfy enum value set: [private, public-read, public-read-write, authenticated-read, bucket-owner-read, bucket-owner-full-control, aws-exec-read]"},
		{"an unknown EncryptionType", func(in *request) { in.EncryptionType = "SseC" }, model, "Value 'SseC' at 'encryptionType' failed to satisfy constraint: Member must satisfy enum value set: [SseS3, SseKms, DsseKms]"},
		{"encryption without a key", func(in *request) { in.KMSKey = nil }, service, "KMSKey"},
		{"a key that is none", func(in *request) { in.KMSKey = aws.String("my-own-key") }, model, "at 'kMSKey' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"an unknown Squash", func(in *request) { in.Squash = aws.String("SomeSquash") }, service, "squash"},
		{"a short Squash", func(in *request) { in.Squash = aws.String("None") }, model, "Value 'None' at 'squash' failed to satisfy constraint: Member must have length greater than or equal to 5"},
		{"a role that is none", func(in *request) { in.Role = aws.String("arn:aws:iam::123456789012:user/share") }, model, "at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"a location that is no bucket", func(in *request) { in.LocationARN = aws.String("arn:aws:sqs:eu-west-1:123456789012:queue") }, service, "location"},
		{"an unknown storage class", func(in *request) { in.DefaultStorageClass = aws.String("S3_GLACIER") }, service, "storage class"},
		{"a name with a space", func(in *request) { in.FileShareName = aws.String("a b") }, service, "name"},
		{"an empty client list", func(in *request) { in.ClientList = []string{} }, model, "Value at 'clientList' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"101 clients", func(in *request) { in.ClientList = slices.Repeat([]string{"192.0.2.1"}, 101) }, model, "Value at 'clientList' failed to satisfy constraint: Member must have length less than or equal to 100"},
		{"a client that is none", func(in *request) { in.ClientList = []string{"192.0.2.0/33"} }, model, "Value '[192.0.2.0/33]' at 'clientList'"},
		{"a tag of AWS's", func(in *request) { in.Tags[0].Key = aws.String("aws:mine") }, service, "aws: prefixed tag key names are not allowed for external use."},
		{"a tag of AWS's in capitals", func(in *request) { in.Tags[0].Key = aws.String("AWS:mine") }, service, "aws: prefixed tag key names are not allowed for external use."},
		{"a tag with other characters", func(in *request) { in.Tags[0].Key = aws.String("a;b") }, model, "Value 'a;b' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"a long tag", func(in *request) { in.Tags[0].Value = aws.String(strings.Repeat("v", 257)) }, model, "at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"a gateway that there is not", func(in *request) {
			in.GatewayARN = aws.String("arn:aws:storagegateway:eu-west-1:123456789012:gateway/sgw-FFFFFFFF")
		}, "GatewayNotFound", ""},
	}
	w := newWorld(t)
	refused := func(t *testing.T, err error, code, says string) {
		t.Helper()
		if got := awsclient.Code(err); err == nil || got != code || !strings.Contains(err.Error(), says) {
			t.Errorf("got %.500v (%s), want %s: %s", err, got, code, says)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := w.form()
			test.change(in)
			_, err := w.Client.CreateNFSFileShare(t.Context(), in)
			refused(t, err, test.code, test.says)
		})
	}
	t.Run("an activation under a name of one character", func(t *testing.T) {
		_, err := w.Client.ActivateGateway(t.Context(), &storagegateway.ActivateGatewayInput{
			ActivationKey: aws.String("AAAAA-BBBBB"), GatewayName: aws.String("g"), GatewayTimezone: aws.String("GMT"), GatewayRegion: aws.String("eu-west-1"),
		})
		refused(t, err, model, "Value 'g' at 'gatewayName' failed to satisfy constraint: Member must have length greater than or equal to 2")
	})
	t.Run("a share is what was asked for, once, and is changed in what a change names", func(t *testing.T) {
		w := newWorld(t)
		first, err := w.Client.CreateNFSFileShare(t.Context(), w.form())
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.Client.CreateNFSFileShare(t.Context(), w.form())
		if err != nil || *again.FileShareARN != *first.FileShareARN {
			t.Errorf("again: %v, %v", again, err)
		}
		arn := *first.FileShareARN
		if got := w.become(t, arn, "AVAILABLE"); got.ObjectACL != types.ObjectACLBucketOwnerFullControl || aws.ToString(got.Squash) != "RootSquash" || aws.ToString(got.Role) != suiteRole {
			t.Errorf("it is %+v", got)
		}
		change := func(in *storagegateway.UpdateNFSFileShareInput) error {
			in.FileShareARN = &arn
			_, err := w.Client.UpdateNFSFileShare(t.Context(), in)
			return err
		}
		refused(t, change(&storagegateway.UpdateNFSFileShareInput{ObjectACL: "everybody"}), model, "at 'objectACL'")
		refused(t, change(&storagegateway.UpdateNFSFileShareInput{Squash: aws.String("SomeSquash")}), service, "squash")
		refused(t, change(&storagegateway.UpdateNFSFileShareInput{ClientList: []string{}}), model, "at 'clientList'")
		if err := change(&storagegateway.UpdateNFSFileShareInput{ClientList: []string{"192.0.2.2/32"}}); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			got := w.become(t, arn, "AVAILABLE")
			if strings.HasPrefix(got.ClientList[0], "192.0.2.2") {
				if got.ObjectACL != types.ObjectACLBucketOwnerFullControl {
					t.Errorf("the ACL became %s", got.ObjectACL)
				}
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the clients are %v", got.ClientList)
			}
		}
		_, err = w.Client.AddTagsToResource(t.Context(), &storagegateway.AddTagsToResourceInput{
			ResourceARN: &arn, Tags: []types.Tag{{Key: aws.String("aws:mine"), Value: aws.String("x")}},
		})
		refused(t, err, service, "aws: prefixed")
	})
	leave(t, newWorld)
	reports(t, newWorld)
	for name, change := range map[string]func(*request){
		"role":   func(in *request) { in.Role = aws.String(MissingRole) },
		"bucket": func(in *request) { in.LocationARN = aws.String(MissingBucket) },
	} {
		t.Run("a "+name+" that there is not", func(t *testing.T) {
			w := newWorld(t)
			in := w.form()
			change(in)
			out, err := w.Client.CreateNFSFileShare(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			w.become(t, *out.FileShareARN, "UNAVAILABLE")
		})
	}
}
