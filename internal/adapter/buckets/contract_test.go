package buckets_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/buckets/bucketstest"
	"headroom/internal/local/endpoint"
	locals3 "headroom/internal/local/service/s3"
)

func TestTheFakeTagsAsS3Does(t *testing.T) {
	bucketstest.Suite(t, func(*testing.T) bucketstest.World {
		fake := &bucketstest.S3{}
		return bucketstest.World{Client: fake, Bucket: func(_ *testing.T, tags map[string]string) string {
			fake.Add("bucket", tags)
			return "bucket"
		}}
	})
}

func TestTheLocalCloudTagsAsS3Does(t *testing.T) {
	bucketstest.Suite(t, func(t *testing.T) bucketstest.World {
		router := endpoint.New(endpoint.Config{Account: "123456789012", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler)})
		server := httptest.NewServer(router)
		t.Cleanup(server.Close)
		buckets, err := locals3.New(locals3.Config{Account: "123456789012", Region: "eu-west-1", Dir: t.TempDir(), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		router.Handle(buckets.Service())
		client := s3.NewFromConfig(aws.Config{
			Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("owner", "secret", ""),
		})
		return bucketstest.World{Client: client, Bucket: func(t *testing.T, its map[string]string) string {
			if err := buckets.Create("bucket", locals3.Settings{Tags: its}); err != nil {
				t.Fatal(err)
			}
			return "bucket"
		}}
	})
}
