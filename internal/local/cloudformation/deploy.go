package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// manifest is what is used of an assembly's manifest.json.
type manifest struct {
	Artifacts map[string]struct {
		Type         string
		Dependencies []string
		Properties   struct {
			TemplateFile string
			StackName    string
			File         string // of an asset manifest
			Tags         map[string]string
		}
	}
}

// assets is what is used of an asset manifest.
type assets struct {
	Files map[string]struct {
		Source struct {
			Path      string
			Packaging string // "file" or "zip"
		}
		Destinations map[string]struct {
			BucketName string
			ObjectKey  string
		}
	}
}

// Deploy does what `cdk deploy` does: it uploads an assembly's assets and creates its stacks, one
// after the other, with those of the parameters that each declares. It ends when all are complete,
// and returns the outputs of all of them.
//
// Function code is not uploaded: the local Lambda runs this machine's own build of it.
func (e *Engine) Deploy(ctx context.Context, assemblyDir string, parameters map[string]string) (map[string]string, error) {
	var m manifest
	if err := readJSON(filepath.Join(assemblyDir, "manifest.json"), &m); err != nil {
		return nil, fmt.Errorf("deploy %s: %w", assemblyDir, err)
	}
	names := slices.Sorted(maps.Keys(m.Artifacts))
	for _, name := range names {
		if a := m.Artifacts[name]; a.Type == "cdk:asset-manifest" {
			if err := e.upload(ctx, assemblyDir, a.Properties.File); err != nil {
				return nil, fmt.Errorf("deploy %s: upload assets: %w", assemblyDir, err)
			}
		}
	}
	outputs := map[string]string{}
	deployed := map[string]bool{}
	var deploy func(name string) error
	deploy = func(name string) error {
		a := m.Artifacts[name]
		if deployed[name] || a.Type != "aws:cloudformation:stack" {
			return nil
		}
		deployed[name] = true
		for _, dependency := range a.Dependencies {
			if err := deploy(dependency); err != nil {
				return err
			}
		}
		stackName := a.Properties.StackName
		if stackName == "" {
			stackName = name
		}
		made, err := e.deployStack(ctx, stackName, filepath.Join(assemblyDir, a.Properties.TemplateFile), a.Properties.Tags, parameters)
		if err != nil {
			return fmt.Errorf("deploy stack %s: %w", stackName, err)
		}
		maps.Copy(outputs, made)
		return nil
	}
	for _, name := range names {
		if err := deploy(name); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

// upload puts the file assets where their manifest says.
func (e *Engine) upload(ctx context.Context, dir, file string) error {
	var a assets
	if err := readJSON(filepath.Join(dir, file), &a); err != nil {
		return err
	}
	fill := strings.NewReplacer("${AWS::AccountId}", e.config.Account, "${AWS::Region}", e.config.Region, "${AWS::Partition}", "aws")
	for _, hash := range slices.Sorted(maps.Keys(a.Files)) {
		asset := a.Files[hash]
		if asset.Source.Packaging != "file" {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, asset.Source.Path))
		if err != nil {
			return fmt.Errorf("read asset: %w", err)
		}
		for _, to := range asset.Destinations {
			if err := e.config.Objects.Put(ctx, fill.Replace(to.BucketName), fill.Replace(to.ObjectKey), body); err != nil {
				return fmt.Errorf("put asset %s: %w", asset.Source.Path, err)
			}
		}
	}
	return nil
}

func (e *Engine) deployStack(ctx context.Context, name, file string, tags, parameters map[string]string) (map[string]string, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	var declared struct{ Parameters map[string]any }
	if err := json.Unmarshal(body, &declared); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	given := map[string]string{}
	for name, value := range parameters {
		if _, ok := declared.Parameters[name]; ok {
			given[name] = value
		}
	}
	// Like the CDK's command line, by way of S3: templates may be larger than what goes inline.
	bucket := fmt.Sprintf("cdk-hnb659fds-assets-%s-%s", e.config.Account, e.config.Region)
	key := name + ".template.json"
	if err := e.config.Objects.Put(ctx, bucket, key, body); err != nil {
		return nil, fmt.Errorf("put template: %w", err)
	}
	url := fmt.Sprintf("https://s3.%s.amazonaws.com/%s/%s", e.config.Region, bucket, key)
	s, err := e.createStack(ctx, request{
		name: name, url: url, tags: tags, parameters: given, capabilities: []string{"CAPABILITY_NAMED_IAM"},
	})
	if err != nil {
		return nil, err
	}
	return e.await(ctx, s)
}

// await waits until a stack's creation is over, and returns its outputs or says what failed.
func (e *Engine) await(ctx context.Context, s *stack) (map[string]string, error) {
	e.mu.Lock()
	idle := s.idle
	e.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-idle:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.status != createComplete {
		failures := []error{fmt.Errorf("stack is %s", s.status)}
		for _, v := range s.events {
			if v.status == string(createFailed) && v.logicalID != s.name {
				failures = append(failures, fmt.Errorf("%s (%s): %s", v.logicalID, v.resourceType, v.reason))
			}
		}
		return nil, errors.Join(failures...)
	}
	outputs := map[string]string{}
	for _, o := range s.outputs {
		outputs[o.key] = o.value
	}
	return outputs, nil
}

func readJSON(file string, into any) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("parse %s: %w", filepath.Base(file), err)
	}
	return nil
}
