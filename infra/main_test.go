package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

var update = flag.Bool("update", false, "accept the synthesized templates as the golden ones")

// assemblies are the assemblies of all stages, by stage, synthesized once for all tests: jsii serves
// one process one after the other.
var assemblies = map[string]assembly{}

// assembly is what was synthesized for a stage.
type assembly struct {
	stage                    Stage
	dir                      string
	control, database, share template
}

// template is a CloudFormation template, as far as the tests look into it.
type template struct {
	Parameters map[string]map[string]any
	Conditions map[string]any
	Resources  map[string]resource
	Outputs    map[string]map[string]any

	text []byte
}

type resource struct {
	Type                string
	Condition           string
	DeletionPolicy      string
	UpdateReplacePolicy string
	DependsOn           []string
	Properties          map[string]any
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := synthesizeAndRun(m)
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func synthesizeAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "headroom-infra-")
	if err != nil {
		return 1, fmt.Errorf("make a folder for the assemblies: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, stage := range Stages {
		a, err := synthesizeForTest(stage, filepath.Join(dir, stage.Name))
		if err != nil {
			return 1, fmt.Errorf("synthesize stage %s: %w", stage.Name, err)
		}
		assemblies[stage.Name] = a
	}
	return m.Run(), nil
}

// synthesizeForTest synthesizes a stage with stand-ins for the functions' code, and with cdk-nag's
// report beside each template.
func synthesizeForTest(stage Stage, dir string) (assembly, error) {
	code := filepath.Join(dir, "dist")
	for _, p := range programNames {
		if err := os.MkdirAll(filepath.Join(code, p), 0o755); err != nil {
			return assembly{}, err
		}
		if err := os.WriteFile(filepath.Join(code, p, "bootstrap"), []byte(p), 0o755); err != nil {
			return assembly{}, err
		}
	}
	for _, task := range []string{archivistName, proberName} {
		if err := os.WriteFile(filepath.Join(code, task, "Dockerfile"), []byte("FROM scratch\n# "+task+"\n"), 0o644); err != nil {
			return assembly{}, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, authoritiesFile), bundle, 0o644); err != nil {
		return assembly{}, err
	}
	out := filepath.Join(dir, "cdk.out")
	err := synthesize(Assembly{
		StageName: stage.Name, Outdir: out, CodeDir: code, Authorities: Authorities{Dir: dir, Now: today},
		Inspect: func(app awscdk.App) {
			awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
				Reports: jsii.Bool(true), ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON},
			}), nil)
		},
	})
	if err != nil {
		return assembly{}, err
	}
	a := assembly{stage: stage, dir: out}
	for file, into := range map[string]*template{
		"headroom-" + stage.Name + ".template.json": &a.control,
		"hosts/database-host.template.json":         &a.database,
		"hosts/share-host.template.json":            &a.share,
	} {
		if into.text, err = os.ReadFile(filepath.Join(out, file)); err != nil {
			return assembly{}, err
		}
		if err := json.Unmarshal(into.text, into); err != nil {
			return assembly{}, fmt.Errorf("read %s: %w", file, err)
		}
	}
	return a, nil
}

// forEachStage runs a test on each stage's assembly.
func forEachStage(t *testing.T, test func(t *testing.T, a assembly)) {
	t.Helper()
	for _, stage := range Stages {
		t.Run(stage.Name, func(t *testing.T) { test(t, assemblies[stage.Name]) })
	}
}

// templates are an assembly's templates, by name.
func (a assembly) templates() map[string]template {
	return map[string]template{"control": a.control, "database-host": a.database, "share-host": a.share}
}

// variablesOf are the environment variables of a function.
func (a assembly) variablesOf(function string) map[string]any {
	for _, f := range a.control.of("AWS::Lambda::Function") {
		if f.Properties["FunctionName"] == "headroom-"+a.stage.Name+"-"+function {
			variables, _ := at(f.Properties, "Environment", "Variables").(map[string]any)
			return variables
		}
	}
	return nil
}

// of returns a template's resources of a type, by logical id.
func (t template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// at follows keys through nested objects; nil where there is none.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// referred returns the logical id that a Ref or Fn::GetAtt is about, or "".
func referred(v any) string {
	if id, ok := at(v, "Ref").(string); ok {
		return id
	}
	if parts, ok := at(v, "Fn::GetAtt").([]any); ok {
		return parts[0].(string)
	}
	return ""
}
