package objects_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/local/endpoint"
	locals3 "headroom/internal/local/service/s3"
)

func TestTheLocalCloudKeepsObjectsAsS3Does(t *testing.T) { objectstest.Suite(t, localCloud) }

// localCloud is its S3, with versions in every bucket.
func localCloud(t *testing.T) objectstest.World {
	router := endpoint.New(endpoint.Config{Account: "123456789012", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	buckets, err := locals3.New(locals3.Config{Account: "123456789012", Region: "eu-west-1", Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	router.Handle(buckets.Service())
	made := 0
	return objectstest.World{
		Client: s3.NewFromConfig(aws.Config{
			Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("owner", "secret", ""),
		}, func(o *s3.Options) { o.UsePathStyle = true }),
		Key: "arn:aws:kms:eu-west-1:123456789012:key/k", Now: time.Now,
		Bucket: func(t *testing.T, locked bool) string {
			made++
			name := fmt.Sprintf("bucket-%d", made)
			if err := buckets.Create(name, locals3.Settings{Versioning: "Enabled", ObjectLock: locked}); err != nil {
				t.Fatal(err)
			}
			return name
		},
	}
}
