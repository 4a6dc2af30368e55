package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// handbook is what operators read.
func handbook(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheHandbookNamesEveryFieldOfAPolicy(t *testing.T) {
	text := handbook(t)
	policy := reflect.TypeFor[pool.Policy]()
	for i := range policy.NumField() {
		if name, _, _ := strings.Cut(policy.Field(i).Tag.Get("json"), ","); !strings.Contains(text, "`"+name+"`") {
			t.Errorf("field %s is not in the handbook", name)
		}
	}
}

// What a stage's hosts can bear, and what an address may not be, is said with the stages' numbers.
func TestTheHandbookHasTheStagesNumbers(t *testing.T) {
	text := handbook(t)
	dev, prod := Stages[0], Stages[1]
	for _, said := range []string{
		fmt.Sprintf("%d in dev, %d in prod", dev.databaseSlots(), prod.databaseSlots()),
		fmt.Sprintf("`RestoreDays`, %d in dev, %d in prod", dev.RestoreDays, prod.RestoreDays),
		fmt.Sprintf("(%d\ngateways, %d instances)", prod.Pools[1].Ceiling, prod.Pools[0].Ceiling),
		fmt.Sprintf("%d GiB of disk a gateway", prod.Shares.RootGiB+prod.Shares.CacheGiB),
	} {
		if !strings.Contains(text, said) {
			t.Errorf("the handbook does not say %q", said)
		}
	}
}
