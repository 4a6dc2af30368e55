package objects_test

import (
	"fmt"
	"testing"
	"time"

	"headroom/internal/adapter/objects/objectstest"
)

func TestTheFakeKeepsObjectsAsS3Does(t *testing.T) {
	objectstest.Suite(t, func(*testing.T) objectstest.World {
		now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		fake := &objectstest.S3{Now: func() time.Time { return now }}
		made := 0
		return objectstest.World{
			Client: fake, Key: "arn:aws:kms:eu-west-1:123456789012:key/k", Now: fake.Now,
			Bucket: func(_ *testing.T, locked bool) string {
				made++
				name := fmt.Sprintf("bucket-%d", made)
				fake.Add(name, locked)
				return name
			},
		}
	})
}
