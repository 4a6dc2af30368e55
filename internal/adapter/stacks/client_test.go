package stacks_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/stacks"
	"headroom/internal/adapter/stacks/stackstest"
	"headroom/internal/pool"
)

func order() pool.StackOrder {
	return pool.StackOrder{
		Name: "headroom-dev-share-standard-1", TemplateURL: "https://bucket/share.json", Token: "share-standard-1", RoleARN: "arn:aws:iam::123456789012:role/r",
		Parameters: map[string]string{"HostId": "share-standard-1", "Slots": "10"},
		Tags:       map[string]string{"headroom:stage": "dev", "headroom:host": "share-standard-1"},
	}
}

func TestAStackIsOrderedOnce(t *testing.T) {
	fake := &stackstest.CloudFormation{}
	c := &stacks.Client{API: fake}
	id, err := c.Create(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Create(t.Context(), order())
	if err != nil || again != id {
		t.Errorf("ordered again: %q, %v", again, err)
	}
	forgotten := order()
	forgotten.Token = "a-token-that-CloudFormation-has-forgotten"
	again, err = c.Create(t.Context(), forgotten)
	if err != nil || again != id || fake.Count() != 1 {
		t.Errorf("ordered a third time: %q, %v; %d stacks", again, err, fake.Count())
	}
	if s, _ := fake.Stack(id); s.Parameters["Slots"] != "10" || s.Tags["headroom:stage"] != "dev" {
		t.Errorf("%+v", s)
	}
}

func TestAForeignStackOfTheNameIsNotTaken(t *testing.T) {
	fake := &stackstest.CloudFormation{}
	fake.Add(order().Name, "", map[string]string{"headroom:stage": "prod"})
	if _, err := (&stacks.Client{API: fake}).Create(t.Context(), order()); !errors.Is(err, pool.ErrForeign) {
		t.Errorf("error %v", err)
	}
}

func TestAStackIsDescribedAndDeleted(t *testing.T) {
	fake := &stackstest.CloudFormation{}
	c := &stacks.Client{API: fake}
	if _, err := c.Describe(t.Context(), order().Name); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	id, err := c.Create(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	fake.Finish(id, types.StackStatusCreateComplete, "", map[string]string{"DnsName": "a.b"})
	s, err := c.Describe(t.Context(), order().Name)
	if err != nil || s.ID != id || s.Status != "CREATE_COMPLETE" || s.Outputs["DnsName"] != "a.b" {
		t.Errorf("%+v, %v", s, err)
	}
	for range 2 {
		if err := c.Delete(t.Context(), id, "delete"); err != nil {
			t.Fatal(err)
		}
	}
	fake.Finish(id, types.StackStatusDeleteComplete, "", nil)
	if s, err := c.Describe(t.Context(), id); err != nil || s.Status != "DELETE_COMPLETE" {
		t.Errorf("by ID: %+v, %v", s, err)
	}
	if _, err := c.Describe(t.Context(), order().Name); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("by name: %v", err)
	}
	if err := c.Delete(t.Context(), "no-such-stack", "delete"); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
}

func TestWhatFailedFirstIsWhy(t *testing.T) {
	fake := &stackstest.CloudFormation{}
	c := &stacks.Client{API: fake}
	id := fake.Add("headroom-dev-share-standard-1", "token", nil)
	if why, err := c.Failure(t.Context(), id); err != nil || why != "" {
		t.Errorf("failure %q of a stack that has none, error %v", why, err)
	}
	fake.Fail(id, "Appliance", "there is no room for it")
	fake.Fail(id, "Bucket01", "Resource creation cancelled")
	fake.Fail(id, "Bucket02", "Access Denied")
	if why, err := c.Failure(t.Context(), id); err != nil || why != "Appliance: there is no room for it" {
		t.Errorf("failure %q, error %v", why, err)
	}
	if _, err := c.Failure(t.Context(), "nobody"); err == nil {
		t.Error("a stack that does not exist has a failure")
	}
}
