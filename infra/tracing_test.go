package main

import (
	"strings"
	"testing"
)

func TestFunctionsAreTracedWhereAStageSaysSo(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		if strings.Contains(string(a.control.text), "TracingConfig") || strings.Contains(string(a.control.text), "xray:") {
			t.Error("functions are traced, and nobody asked for that")
		}
	})
	stage, all := Stages[0], Stages
	stage.Tracing = true
	Stages = []Stage{stage}
	defer func() { Stages = all }()
	a, err := synthesizeForTest(stage, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	traced := 0
	for id, r := range a.control.Resources {
		name, _ := r.Properties["FunctionName"].(string)
		if r.Type != "AWS::Lambda::Function" || !strings.HasPrefix(name, "headroom-") {
			continue
		}
		config, _ := r.Properties["TracingConfig"].(map[string]any)
		if traced++; config["Mode"] != "Active" {
			t.Errorf("%s is traced as %v", id, config)
		}
	}
	if traced == 0 {
		t.Error("there is no function")
	}
}
