package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// Assembly says what to synthesize, and where to.
type Assembly struct {
	StageName string // name of one of Stages; empty: the context value "stage", else "dev"
	Outdir    string // where the assembly goes; empty: "cdk.out"
	CodeDir   string // holds one folder a function, with its bootstrap, and the tasks', with their Dockerfiles too

	Authorities Authorities // of RDS; they go to the code of the functions that want them

	// Inspect is called with each of the two apps before it is synthesized, so that tests can add
	// their checks. It may be nil.
	Inspect func(awscdk.App)
}

// synthesize writes the host templates to <outdir>/hosts, and then the control plane, which takes
// them along as assets, to <outdir>.
func synthesize(a Assembly) error {
	if a.Outdir == "" {
		a.Outdir = "cdk.out"
	}
	app := newApp(a.Outdir)
	stage, err := stageOf(app, a.StageName)
	if err != nil {
		return err
	}
	for _, p := range programNames {
		if _, err := os.Stat(filepath.Join(a.CodeDir, p)); err != nil {
			return fmt.Errorf("find the code of %s (has it been built?): %w", p, err)
		}
	}

	if err := a.Authorities.place(a.CodeDir); err != nil {
		return err
	}

	hosts := newApp(filepath.Join(a.Outdir, "hosts"))
	database := NewDatabaseHost(hosts, "database-host", stage)
	share := NewShareHost(hosts, "share-host", stage)
	a.synth(hosts)

	NewControlPlane(app, "headroom-"+stage.Name, ControlPlaneProps{
		Stage:            stage,
		CodeDir:          a.CodeDir,
		DatabaseTemplate: filepath.Join(a.Outdir, "hosts", *database.TemplateFile()),
		ShareTemplate:    filepath.Join(a.Outdir, "hosts", *share.TemplateFile()),
	})
	a.synth(app)
	return nil
}

// newApp leaves out all that would make the assembly differ from one machine to the next.
func newApp(outdir string) awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		Outdir:             jsii.String(outdir),
		AutoSynth:          jsii.Bool(false),
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
		StackTraces:        jsii.Bool(false),
		// In the program, not in cdk.json: synthesis must not depend on the CDK command line.
		Context: &map[string]any{
			"@aws-cdk/core:validateAgainstDefaultRules": true, // AWS's offline checks are errors
			"aws:cdk:disable-creation-stack-traces":     true, // they name temporary folders
		},
	})
}

func (a Assembly) synth(app awscdk.App) {
	if a.Inspect != nil {
		a.Inspect(app)
	}
	app.Synth(nil)
}

func stageOf(app awscdk.App, name string) (Stage, error) {
	if name == "" {
		name, _ = app.Node().TryGetContext(jsii.String("stage")).(string)
	}
	if name == "" {
		name = "dev"
	}
	for _, s := range Stages {
		if s.Name == name {
			return s, nil
		}
	}
	return Stage{}, fmt.Errorf("there is no stage %q", name)
}
