package resources

import (
	"strings"
	"testing"

	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
)

func TestNoRoleIsMadeBeyondTheQuota(t *testing.T) {
	most := 1
	roles := role{New(Config{Account: "123456789012", Policies: iam.New("123456789012", "eu-west-1"), MostRoles: func() int { return most }})}
	create := func(name string) error {
		_, err := roles.Create(t.Context(), resource.Resource{LogicalID: name, Type: "AWS::IAM::Role", Properties: map[string]any{
			"RoleName": name, "AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{}},
		}})
		return err
	}
	for _, name := range []string{"a", "a"} { // the second time it is there already
		if err := create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := create("b"); err == nil || !strings.Contains(err.Error(), "Cannot exceed quota for RolesPerAccount: 1") {
		t.Errorf("a second of one: %v", err)
	}
	most = 2
	if err := create("b"); err != nil {
		t.Errorf("since there may be two: %v", err)
	}
}
