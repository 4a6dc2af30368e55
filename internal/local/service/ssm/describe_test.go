package ssm

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// names lists parameters by filters, in pages of two.
func names(t *testing.T, client *sdk.Client, filters ...types.ParameterStringFilter) (names []string, err error) {
	t.Helper()
	pages := sdk.NewDescribeParametersPaginator(client, &sdk.DescribeParametersInput{ParameterFilters: filters, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			return nil, err
		}
		if len(page.Parameters) > 2 {
			t.Errorf("a page of %d", len(page.Parameters))
		}
		for _, p := range page.Parameters {
			names = append(names, aws.ToString(p.Name))
		}
	}
	return names, nil
}

func filtered(key, option string, values ...string) types.ParameterStringFilter {
	f := types.ParameterStringFilter{Key: &key, Values: values}
	if option != "" {
		f.Option = &option
	}
	return f
}

func TestParametersAreDescribed(t *testing.T) {
	_, client := newClient(t)
	all := []string{"/headroom/dev/policy", "/headroom/dev/quota", "/headroom/prod/policy", "/other", "plain"}
	for _, name := range all {
		kind := types.ParameterTypeString
		if name == "/other" {
			kind = types.ParameterTypeStringList
		}
		for _, value := range []string{"first", "second"} {
			_, err := client.PutParameter(t.Context(), &sdk.PutParameterInput{
				Name: &name, Type: kind, Value: &value, Description: aws.String("of " + name), Overwrite: aws.Bool(true),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, want := range []struct {
		filters []types.ParameterStringFilter
		names   []string
	}{
		{nil, all}, // and no public one
		{[]types.ParameterStringFilter{filtered("Name", "", "/other", "plain", "/othe")}, []string{"/other", "plain"}},
		{[]types.ParameterStringFilter{filtered("Name", "BeginsWith", "/headroom/")}, all[:3]},
		{[]types.ParameterStringFilter{filtered("Name", "Contains", "policy")}, []string{all[0], all[2]}},
		{[]types.ParameterStringFilter{filtered("Name", "Contains", "policy"), filtered("Path", "", "/headroom/dev")}, []string{all[0]}},
		{[]types.ParameterStringFilter{filtered("Path", "", "/headroom/dev/")}, all[:2]},
		{[]types.ParameterStringFilter{filtered("Path", "OneLevel", "/headroom")}, nil},
		{[]types.ParameterStringFilter{filtered("Path", "Recursive", "/headroom")}, all[:3]},
		{[]types.ParameterStringFilter{filtered("Type", "Equals", "StringList")}, []string{"/other"}},
		{[]types.ParameterStringFilter{filtered("Tier", "", "Advanced")}, nil},
		{[]types.ParameterStringFilter{filtered("DataType", "", "text")}, all},
		{[]types.ParameterStringFilter{filtered("tag:headroom:stage", "", "dev")}, nil},
	} {
		if got, err := names(t, client, want.filters...); err != nil || !slices.Equal(got, want.names) {
			t.Errorf("%v lists %v: %v; want %v", want.filters, got, err, want.names)
		}
	}
	described, err := client.DescribeParameters(t.Context(), &sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{filtered("Name", "", all[0])}})
	if err != nil || len(described.Parameters) != 1 {
		t.Fatalf("described %+v: %v", described, err)
	}
	one := described.Parameters[0]
	if one.Version != 2 || one.Type != types.ParameterTypeString || one.Tier != types.ParameterTierStandard || aws.ToString(one.Description) != "of "+all[0] ||
		aws.ToString(one.ARN) != "arn:aws:ssm:eu-west-1:123456789012:parameter/headroom/dev/policy" || one.LastModifiedDate == nil || aws.ToString(one.LastModifiedUser) == "" {
		t.Errorf("described as %+v", one)
	}
}

func TestDescriptionsThatAreNotAskedForRightAreRefused(t *testing.T) {
	_, client := newClient(t)
	for name, bad := range map[string]struct {
		input sdk.DescribeParametersInput
		code  string
	}{
		"a key that there is not":    {sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{filtered("Label", "", "x")}}, "InvalidFilterKey"},
		"an option of another key":   {sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{filtered("Type", "Contains", "x")}}, "InvalidFilterOption"},
		"no value":                   {sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{filtered("Name", "")}}, "InvalidFilterValue"},
		"a page that is too long":    {sdk.DescribeParametersInput{MaxResults: aws.Int32(51)}, "ValidationException"},
		"a token that nobody gave":   {sdk.DescribeParametersInput{NextToken: aws.String("two")}, "InvalidNextToken"},
		"the filters of days of old": {sdk.DescribeParametersInput{Filters: []types.ParametersFilter{{Key: types.ParametersFilterKeyName, Values: []string{"one"}}}}, "ValidationException"},
	} {
		if _, err := client.DescribeParameters(t.Context(), &bad.input); code(err) != bad.code {
			t.Errorf("%s: %v, want %s", name, err, bad.code)
		}
	}
}
