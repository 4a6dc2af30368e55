package cloudformation_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// assembly writes an assembly as CDK does: a stack, and the template of another as its asset.
func assembly(t *testing.T, stack string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"manifest.json": `{"artifacts":{
			"main.assets":{"type":"cdk:asset-manifest","properties":{"file":"main.assets.json"}},
			"main":{"type":"aws:cloudformation:stack","properties":{"templateFile":"main.template.json","stackName":"Main","tags":{"stage":"dev"}},"dependencies":["main.assets"]}}}`,
		"main.assets.json": `{"files":{
			"abc":{"source":{"path":"asset.abc.json","packaging":"file"},"destinations":{"d":{"bucketName":"assets-${AWS::AccountId}-${AWS::Region}","objectKey":"abc.json"}}},
			"code":{"source":{"path":"asset.code","packaging":"zip"},"destinations":{"d":{"bucketName":"assets","objectKey":"code.zip"}}}}}`,
		"main.template.json": stack,
		"asset.abc.json":     chain,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAnAssemblyIsDeployed(t *testing.T) {
	c := newCloud(t)
	dir := assembly(t, `{"Parameters":{"Port":{"Type":"Number","Default":80},"BootstrapVersion":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/cdk-bootstrap/hnb659fds/version"}},
		"Resources":{"A":{"Type":"Test::Local::Thing","Properties":{"of":{"Ref":"Port"}}}},
		"Outputs":{"Port":{"Value":{"Fn::GetAtt":["A","Of"]}},
			"Url":{"Value":{"Fn::Sub":"https://s3.${AWS::Region}.${AWS::URLSuffix}/assets-${AWS::AccountId}-${AWS::Region}/abc.json"}}}}`)
	outputs, err := c.engine.Deploy(t.Context(), dir, map[string]string{"Port": "8080", "NotDeclared": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if outputs["Port"] != "8080" {
		t.Errorf("outputs %v", outputs)
	}
	if tags := c.engine.Tags(c.engine.Resources("Main")[0].PhysicalID); tags["stage"] != "dev" {
		t.Errorf("tags %v", tags)
	}
	c.create(t, "other", "token", "", func(in *cloudformation.CreateStackInput) {
		in.TemplateBody, in.TemplateURL = nil, aws.String(outputs["Url"])
	})
	c.reach(t, "other", types.StackStatusCreateComplete)
}

func TestAFailedDeploymentSaysWhatFailed(t *testing.T) {
	c := newCloud(t)
	c.things.fail = "A"
	_, err := c.engine.Deploy(t.Context(), assembly(t, `{"Resources":{"A":{"Type":"Test::Local::Thing"}}}`), nil)
	if err == nil || !strings.Contains(err.Error(), "A (Test::Local::Thing)") || !strings.Contains(err.Error(), "out of stock") {
		t.Errorf("error %v", err)
	}
}
