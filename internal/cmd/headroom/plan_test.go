package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/internal/operator"
)

// Another policy is planned by beside the one in force, from what is seen once, and changes nothing.
func TestAPlanComparesPolicies(t *testing.T) {
	d := cloud(t)
	_, before, _ := execute(newRoot(), "pool", "policy", "get", "--endpoint", d.Endpoint)
	_, text, _ := execute(newRoot(), "pool", "policy", "get", "--json", "--endpoint", d.Endpoint)
	var in struct{ Document string }
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	document := map[string]any{}
	if err := json.Unmarshal([]byte(in.Document), &document); err != nil {
		t.Fatal(err)
	}
	document["moneyCap"] = 1000
	for _, p := range document["pools"].([]any) {
		p.(map[string]any)["bufferSlots"], p.(map[string]any)["hostPrice"] = 40, 300
	}
	other, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "wider.json")
	if err := os.WriteFile(file, other, 0o644); err != nil {
		t.Fatal(err)
	}
	line := []string{"plan", "--tier", "standard", "--policy", file, "--endpoint", d.Endpoint}
	status, stdout, stderr := execute(newRoot(), line...)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, said %s", status, stderr)
	}
	golden(t, "plan-policy.txt", strings.ReplaceAll(stdout, filepath.Dir(file), "DIR"))
	_, stdout, _ = execute(newRoot(), append(line, "--json")...)
	var plans operator.Plans
	if err := json.Unmarshal([]byte(stdout), &plans); err != nil {
		t.Fatal(err)
	}
	if len(plans.By) != 2 || plans.By[1].Tiers[0].Pools[1].Wanted != 40 || plans.By[0].Tiers[0].Pools[1].Wanted == 40 || len(plans.By[1].Tiers[0].Pools[1].Ends) != 2 {
		t.Errorf("plans are %+v", plans)
	}
	if _, after, _ := execute(newRoot(), "pool", "policy", "get", "--endpoint", d.Endpoint); after != before {
		t.Error("the policy was changed")
	}
}

func TestAPlanThatCanNotBeMadeIsRefused(t *testing.T) {
	d := cloud(t)
	file := filepath.Join(t.TempDir(), "wrong.json")
	if err := os.WriteFile(file, []byte(`{"version":"1","pools":[]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]int{"plan --tier gold": missing, "plan --policy " + file: guarded, "plan standard": refused, "plan --policy nowhere": failed} {
		if status, stdout, stderr := execute(newRoot(), append(strings.Fields(line), "--endpoint", d.Endpoint)...); status != want || stdout != "" {
			t.Errorf("%s: status %d, said %s%s", line, status, stdout, stderr)
		}
	}
}
