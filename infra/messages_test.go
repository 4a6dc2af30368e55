package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"headroom/events"
)

// A person who copies a message out of a page gets no chance to see that it means nothing: it is refused once it is sent.
func TestEveryMessageInThePagesKeepsItsContract(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		bodies := regexp.MustCompile(`--message-body '([^']*)'`).FindAllSubmatch(text, -1)
		if said := strings.Count(string(text), "--message-body"); said != len(bodies) {
			t.Errorf("%s has %d messages, and %d can be read", page, said, len(bodies))
		}
		for _, body := range bodies {
			seen++
			if err := keepsContract(string(body[1])); err != nil {
				t.Errorf("%s: %s: %v", page, body[1], err)
			}
		}
	}
	if seen == 0 {
		t.Error("no page has a message")
	}
}

func TestAMessageThatMeansNothingIsFound(t *testing.T) {
	for _, body := range []string{
		`{"version":"1","type":"DepartureRequest","departure":"acme.k3v","action":"resume","requestedBy":"jo","reason":"why"}`,
		`{"version":"1","type":"UndoRequested","tenantId":"acme","requestedBy":"jo","reason":"why","grace":"1h"}`,
		`{"version":"1","type":"Nothing"}`, `{`,
	} {
		if keepsContract(body) == nil {
			t.Errorf("%s passes", body)
		}
	}
	if parses(strings.Fields("aws sqs start-message-move-task --source-arn ARN")) == nil {
		t.Error("a redrive that takes old messages for new ones passes")
	}
}

// keepsContract holds a message against the schema of its type. Fields that the schema does not name, which who takes a message
// passes over, are slips in a page.
func keepsContract(body string) error {
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		return fmt.Errorf("the message is no JSON: %w", err)
	}
	name := events.TypeOf([]byte(body))
	content, err := events.Schema(name)
	if err != nil {
		return err
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(content)))
	if err != nil {
		return fmt.Errorf("read the schema of %s: %w", name, err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, document); err != nil {
		return fmt.Errorf("read the schema of %s: %w", name, err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		return fmt.Errorf("read the schema of %s: %w", name, err)
	}
	for field := range fields {
		if schema.Properties[field] == nil {
			return fmt.Errorf("%s has no field %s", name, field)
		}
	}
	if err := schema.Validate(fields); err != nil {
		return fmt.Errorf("it is no %s: %w", name, err)
	}
	return nil
}
