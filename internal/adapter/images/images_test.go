package images_test

import (
	"errors"
	"testing"

	"headroom/internal/adapter/images"
	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/pool"
)

const name = "/aws/service/storagegateway/ami/FILE_S3/latest"

func TestTheNewestImageIsRead(t *testing.T) {
	parameter := policytest.New(name, "ami-0f11e5a7e4a7e0001")
	parameter.Put("ami-0f11e5a7e4a7e0002")
	if id, err := (&images.Parameter{Client: parameter, Name: name}).Newest(t.Context()); err != nil || id != "ami-0f11e5a7e4a7e0002" {
		t.Errorf("read %q, %v", id, err)
	}
}

func TestNoImageIsAnError(t *testing.T) {
	if _, err := (&images.Parameter{Client: policytest.New("other", "ami-0f11e5a7e4a7e0001"), Name: name}).Newest(t.Context()); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("no parameter: %v", err)
	}
	for _, value := range []string{"", "ami-", "latest", `{"id":"ami-0f11e5a7e4a7e0001"}`} {
		if id, err := (&images.Parameter{Client: policytest.New(name, value), Name: name}).Newest(t.Context()); err == nil || errors.Is(err, pool.ErrNotFound) {
			t.Errorf("%q was read as %q, %v", value, id, err)
		}
	}
}
