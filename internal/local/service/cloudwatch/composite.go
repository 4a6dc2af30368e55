package cloudwatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/scanner"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// compositeProperties are those of AWS::CloudWatch::CompositeAlarm, which PutCompositeAlarm has too.
type compositeProperties struct {
	AlarmName               string         `json:"AlarmName"`
	AlarmDescription        string         `json:"AlarmDescription"`
	AlarmRule               string         `json:"AlarmRule"`
	ActionsEnabled          *weakjson.Bool `json:"ActionsEnabled"`
	OKActions               weakjson.Texts `json:"OKActions"`
	AlarmActions            weakjson.Texts `json:"AlarmActions"`
	InsufficientDataActions weakjson.Texts `json:"InsufficientDataActions"`
	ActionsSuppressor       string         `json:"ActionsSuppressor"`
}

// rule is a composite alarm's: whether it holds is decided by the states of other alarms.
type rule struct {
	text  string
	holds func(stateOf func(nameOrARN string) string) bool
	names []string // of the alarms that it speaks of, or their ARNs
}

func (a *Alarms) putComposite(ctx context.Context, p compositeProperties) (*alarm, error) {
	parsed, err := parseRule(p.AlarmRule)
	switch {
	case p.AlarmName == "":
		return nil, invalid("1 validation error detected: Value at 'alarmName' failed to satisfy constraint: Member must have length from 1 to 255")
	case err != nil:
		return nil, invalid("Error in AlarmRule: %v", err)
	case p.ActionsSuppressor != "":
		return nil, invalid("the local CloudWatch does not suppress actions: alarm %s", p.AlarmName)
	}
	a.mu.Lock()
	err = a.mayDepend(p.AlarmName, parsed.names)
	a.mu.Unlock()
	if err != nil {
		return nil, err
	}
	made := a.put(ctx, alarm{name: p.AlarmName, rule: parsed, settings: settings{
		description: p.AlarmDescription, enabled: p.ActionsEnabled == nil || bool(*p.ActionsEnabled),
		actions: map[string][]string{OK: p.OKActions, Alarming: p.AlarmActions, InsufficientData: p.InsufficientDataActions},
	}})
	a.evaluateComposites(ctx)
	return made, nil
}

// mayDepend refuses a rule over alarms that are not there, or that depend on the alarm itself. The caller
// holds the lock.
func (a *Alarms) mayDepend(name string, on []string) error {
	for _, other := range on {
		found := a.named(other)
		if found == nil {
			return invalid("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", other)
		}
		if found.name == name {
			return invalid("Could not save the composite alarm as it would depend on itself")
		}
		if err := a.mayDepend(name, found.rule.names); err != nil {
			return err
		}
	}
	return nil
}

func (a *Alarms) putCompositeAlarm(ctx context.Context, call endpoint.Call) (any, error) {
	var p compositeProperties
	if err := decode(call, &p); err != nil {
		return nil, err
	}
	_, err := a.putComposite(ctx, p)
	return nil, err
}

// named finds an alarm by name or ARN; the caller holds the lock.
func (a *Alarms) named(nameOrARN string) *alarm {
	if found := a.byName[nameOrARN]; found != nil {
		return found
	}
	if _, name, ok := strings.Cut(nameOrARN, ":alarm:"); ok {
		return a.byName[name]
	}
	return nil
}

// evaluateComposites brings the composite alarms to the states that their rules say. An alarm over
// composite ones is reached because each change evaluates them again.
func (a *Alarms) evaluateComposites(ctx context.Context) {
	a.mu.Lock()
	names := slices.Sorted(maps.Keys(a.byName))
	a.mu.Unlock()
	for _, name := range names {
		a.mu.Lock()
		x := a.byName[name]
		if x == nil || x.metric != nil {
			a.mu.Unlock()
			continue
		}
		next := state{value: OK, reason: "AlarmRule evaluated to OK: " + x.rule.text}
		if x.rule.holds(func(name string) string {
			if other := a.named(name); other != nil {
				return other.state.value
			}
			return InsufficientData // an alarm that was deleted
		}) {
			next.value, next.reason = Alarming, "AlarmRule evaluated to ALARM: "+x.rule.text
		}
		if next.value == x.state.value {
			a.mu.Unlock()
			continue
		}
		a.moveLocked(ctx, x, next)
	}
}

// parseRule reads an alarm rule, such as `ALARM(a) AND NOT (OK("b") OR FALSE)`.
func parseRule(text string) (rule, error) {
	p := &ruleParser{}
	p.scan.Init(strings.NewReader(text))
	p.scan.Mode = scanner.ScanIdents | scanner.ScanStrings
	// Names of alarms stand without quotes too.
	p.scan.IsIdentRune = func(r rune, _ int) bool { return r > ' ' && !strings.ContainsRune(`()"`, r) }
	p.scan.Error = func(_ *scanner.Scanner, message string) { p.fail("%s", message) }
	p.next()
	holds := p.any()
	if p.err == nil && p.token != scanner.EOF {
		p.fail("unexpected %q", p.scan.TokenText())
	}
	return rule{text: text, holds: holds, names: p.names}, p.err
}

type ruleParser struct {
	scan  scanner.Scanner
	token rune
	names []string
	err   error
}

type condition = func(stateOf func(string) string) bool

func (p *ruleParser) next() { p.token = p.scan.Scan() }

func (p *ruleParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.token = scanner.EOF
}

func (p *ruleParser) word(word string) bool {
	if p.token == scanner.Ident && p.scan.TokenText() == word {
		p.next()
		return true
	}
	return false
}

func (p *ruleParser) any() condition {
	left := p.all()
	for p.word("OR") {
		a, b := left, p.all()
		left = func(stateOf func(string) string) bool { return a(stateOf) || b(stateOf) }
	}
	return left
}

func (p *ruleParser) all() condition {
	left := p.one()
	for p.word("AND") {
		a, b := left, p.one()
		left = func(stateOf func(string) string) bool { return a(stateOf) && b(stateOf) }
	}
	return left
}

func (p *ruleParser) one() condition {
	switch {
	case p.word("NOT"):
		inner := p.one()
		return func(stateOf func(string) string) bool { return !inner(stateOf) }
	case p.word("TRUE"):
		return func(func(string) string) bool { return true }
	case p.word("FALSE"):
		return func(func(string) string) bool { return false }
	case p.token == '(':
		p.next()
		inner := p.any()
		p.close()
		return inner
	}
	for _, value := range []string{OK, Alarming, InsufficientData} {
		if p.word(value) {
			return p.stateIs(value)
		}
	}
	p.fail("unexpected %q", p.scan.TokenText())
	return nil
}

func (p *ruleParser) stateIs(value string) condition {
	if p.token != '(' {
		p.fail("( expected after %s", value)
		return nil
	}
	p.next()
	name := strings.Trim(p.scan.TokenText(), `"`)
	if p.token != scanner.Ident && p.token != scanner.String || name == "" {
		p.fail("an alarm's name expected in %s()", value)
		return nil
	}
	p.names = append(p.names, name)
	p.next()
	p.close()
	return func(stateOf func(string) string) bool { return stateOf(name) == value }
}

func (p *ruleParser) close() {
	if p.token != ')' {
		p.fail(") expected, not %q", p.scan.TokenText())
		return
	}
	p.next()
}
