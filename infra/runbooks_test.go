package main

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/operator"
)

// runbooks are the sections of docs/runbooks.md that are about alarms, by their anchors.
func runbooks(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, part := range strings.Split("\n"+string(text), "\n## ")[1:] {
		anchor, section, _ := strings.Cut(part, "\n")
		sections[anchor] = section
	}
	return sections
}

var anchor = regexp.MustCompile(`"#([a-z-]+)"`)

// sectionsOf are the sections that alarms lead to: of the control plane, by their descriptions; of hosts, by their names.
func sectionsOf(t *testing.T, a assembly) map[string]bool {
	t.Helper()
	sections := map[string]bool{}
	all := a.control.of("AWS::CloudWatch::Alarm")
	maps.Copy(all, a.control.of("AWS::CloudWatch::CompositeAlarm"))
	for id, alarm := range all {
		found := anchor.FindSubmatch(mustJSON(t, alarm.Properties["AlarmDescription"]))
		if found == nil {
			t.Errorf("%s leads nowhere", id)
			continue
		}
		sections[string(found[1])] = true
	}
	for kind, hosts := range map[string]template{"database-": a.database, "gateway-": a.share} {
		for id, alarm := range hosts.of("AWS::CloudWatch::Alarm") {
			name := plain(alarm.Properties["AlarmName"])
			what := name[strings.LastIndex(name, "-")+1:]
			if what == "" {
				t.Errorf("%s is called %s", id, name)
			}
			sections[kind+what] = true
		}
	}
	return sections
}

func TestEveryAlarmHasARunbookAndEveryRunbookAnAlarm(t *testing.T) {
	sections := runbooks(t)
	forEachStage(t, func(t *testing.T, a assembly) {
		led := sectionsOf(t, a)
		for section := range led {
			if _, there := sections[section]; !there {
				t.Errorf("an alarm leads to section %s, which is not there", section)
			}
		}
		for section, text := range sections {
			if !led[section] {
				t.Errorf("no alarm leads to section %s", section)
			}
			if !strings.Contains(text, "```sh\n") {
				t.Errorf("section %s has no command", section)
			}
		}
	})
}

// What the command names as the next one after an alarm is for its section, or looks at everything.
func TestEveryAlarmOfTheControlPlaneHasANextCommand(t *testing.T) {
	sections := runbooks(t)
	all := slices.Collect(maps.Keys(sections))
	all = slices.DeleteFunc(all, func(section string) bool {
		return strings.HasPrefix(section, "database-") || strings.HasPrefix(section, "gateway-")
	})
	for _, section := range append(all, "of a newer stack") {
		next := operator.AfterAlarm("dev", section, "signup-"+section)
		words, err := shellWords(next)
		if err == nil {
			err = parses(words)
		}
		if err != nil {
			t.Errorf("after %s comes %s: %v", section, next, err)
		}
		if begins := strings.Fields(next)[1]; section != "of a newer stack" && !strings.Contains(sections[section], " "+begins) {
			t.Errorf("after %s comes %s, of which its section says nothing", section, next)
		}
	}
}

func TestLinksInRunbooksLeadSomewhere(t *testing.T) {
	sections := runbooks(t)
	for name, text := range sections {
		for _, link := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
			if _, there := sections[link[1]]; !there {
				t.Errorf("section %s leads to %s, which is not there", name, link[1])
			}
		}
	}
}

// Commands are checked by what they are made for: AWS's command line takes each operation of a service with the names of
// its input, in other letters; Headroom's takes what its reference says.
func TestEveryCommandInARunbookParses(t *testing.T) {
	for section, text := range runbooks(t) {
		blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1)
		for _, block := range blocks {
			for command := range strings.SplitSeq(strings.TrimSpace(block[1]), "\n") {
				words, err := shellWords(command)
				if err == nil {
					err = parses(words)
				}
				if err != nil {
					t.Errorf("section %s: %s: %v", section, command, err)
				}
			}
		}
	}
}

// shellWords parts a command as a shell does: by spaces, but for those in single or double quotes.
func shellWords(command string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, begun := rune(0), false
	for _, r := range command {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && r == ' ':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		case quote == 0 && strings.ContainsRune("|&;<>$`\\", r):
			return nil, fmt.Errorf("a command is one command: %q", r)
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c is not closed", quote)
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

func parses(words []string) error {
	switch {
	case len(words) > 2 && words[0] == "aws":
		return parsesAWS(words[1], words[2], words[3:])
	case len(words) > 1 && words[0] == "headroom":
		return parsesHeadroom(words[1:])
	}
	return fmt.Errorf("it is none of aws or headroom")
}

// clients are those of the services in use, by what AWS's command line calls them.
var clients = map[string]reflect.Type{
	"cloudformation": reflect.TypeFor[*cloudformation.Client](), "cloudwatch": reflect.TypeFor[*cloudwatch.Client](),
	"ec2": reflect.TypeFor[*ec2.Client](), "lambda": reflect.TypeFor[*lambda.Client](), "logs": reflect.TypeFor[*cloudwatchlogs.Client](), "s3api": reflect.TypeFor[*s3.Client](),
	"rds": reflect.TypeFor[*rds.Client](), "sqs": reflect.TypeFor[*sqs.Client](), "ssm": reflect.TypeFor[*ssm.Client](),
	"storagegateway": reflect.TypeFor[*storagegateway.Client](),
}

// elsewhere are commands of services that nothing here has a client of (AWS CLI command reference), with their options.
var elsewhere = map[string][]string{
	"scheduler list-schedules":                      nil,
	"service-quotas list-service-quotas":            {"ServiceCode"},
	"service-quotas request-service-quota-increase": {"ServiceCode", "QuotaCode", "DesiredValue"},
}

// everyCommand are options that each command of AWS's takes.
var everyCommand = []string{"query", "output", "region", "profile", "endpoint-url"}

func parsesAWS(service, operation string, words []string) error {
	if operation == "start-message-move-task" {
		return fmt.Errorf("it sends dead letters as if they were new: headroom dlq redrive does not")
	}
	known, listed := elsewhere[service+" "+operation]
	if !listed {
		client, there := clients[service]
		if !there {
			return fmt.Errorf("service %s is not known", service)
		}
		method := 0
		for method < client.NumMethod() && !same(client.Method(method).Name, operation) {
			method++
		}
		if method == client.NumMethod() {
			return fmt.Errorf("%s has no operation %s", service, operation)
		}
		input := client.Method(method).Type.In(2).Elem() // of the client, the context, the input
		for i := range input.NumField() {
			known = append(known, input.Field(i).Name)
		}
	}
	for i, word := range words {
		option, isOption := strings.CutPrefix(word, "--")
		if !isOption || slices.Contains(everyCommand, option) {
			continue
		}
		if !slices.ContainsFunc(known, func(name string) bool { return same(name, option) || same(name, strings.TrimPrefix(option, "no-")) }) {
			return fmt.Errorf("%s has no option --%s", operation, option)
		}
		if option == "message-body" {
			if i+1 == len(words) {
				return fmt.Errorf("there is no message")
			}
			if err := keepsContract(words[i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// same reports whether AWS's command line calls a name of an API so: "SourceIdentifier" is "source-identifier".
func same(name, kebab string) bool {
	return strings.EqualFold(name, strings.ReplaceAll(kebab, "-", ""))
}

// parsesHeadroom looks a command up in its reference.
func parsesHeadroom(words []string) error {
	reference, err := os.ReadFile("../docs/commands.md")
	if err != nil {
		return fmt.Errorf("read the reference: %w", err)
	}
	for _, section := range strings.Split(string(reference), "\n## headroom ")[1:] {
		verb := strings.Fields(strings.SplitN(section, "\n", 2)[0])
		if len(words) < len(verb) || !slices.Equal(words[:len(verb)], verb) {
			continue
		}
		usage := regexp.MustCompile(`(?m)^Usage: headroom (.*)$`).FindStringSubmatch(section)
		if usage == nil {
			continue
		}
		rest := words[len(verb):]
		var arguments []string
		for i := 0; i < len(rest); i++ {
			if !strings.HasPrefix(rest[i], "-") {
				arguments = append(arguments, rest[i])
			} else if regexp.MustCompile(`(?m)^ +(-., )?` + rest[i] + ` (string|int|duration) `).MatchString(section) {
				i++ // its value
			}
		}
		wanted := slices.DeleteFunc(strings.Fields(usage[1])[len(verb):], func(word string) bool { return strings.HasPrefix(word, "[") })
		if any := strings.Contains(usage[1], "…]"); len(arguments) < len(wanted) || len(arguments) > len(wanted) && !any {
			return fmt.Errorf("it takes %v", wanted)
		}
		for _, word := range rest {
			if option, _, _ := strings.Cut(word, "="); strings.HasPrefix(option, "-") && !regexp.MustCompile(`(?m)^\s+(-\w, )?`+regexp.QuoteMeta(option)+`\b`).MatchString(section) {
				return fmt.Errorf("it has no option %s", option)
			}
		}
		return nil
	}
	return fmt.Errorf("there is no such command")
}
