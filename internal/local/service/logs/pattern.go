package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/scanner"
)

// matcher tells whether a message matches a filter pattern.
type matcher func(message string) bool

// parsePattern reads a filter pattern: terms ("ERROR", ?this ?that, -not, "in quotes"), or a condition on
// JSON in braces. Patterns by position and regular expressions are refused.
func parsePattern(pattern string) (matcher, error) {
	pattern = strings.TrimSpace(pattern)
	switch {
	case pattern == "":
		return func(string) bool { return true }, nil
	case strings.HasPrefix(pattern, "["):
		return nil, errors.New("the local CloudWatch Logs has no space-delimited patterns")
	case strings.HasPrefix(pattern, "{"):
		inner, ok := strings.CutSuffix(pattern[1:], "}")
		if !ok {
			return nil, errors.New("} is missing")
		}
		return parseJSONPattern(inner)
	}
	return parseTerms(pattern)
}

// parseTerms: all plain terms must be there, none of those with -, and one of those with ?, if there are any.
func parseTerms(pattern string) (matcher, error) {
	var all, some, none []string
	for pattern = strings.TrimSpace(pattern); pattern != ""; pattern = strings.TrimSpace(pattern) {
		list := &all
		switch pattern[0] {
		case '?':
			list, pattern = &some, pattern[1:]
		case '-':
			list, pattern = &none, pattern[1:]
		case '%':
			return nil, errors.New("the local CloudWatch Logs has no regular expressions")
		}
		term, rest, _ := strings.Cut(pattern, " ")
		if quoted, err := strconv.QuotedPrefix(pattern); err == nil {
			term, _ = strconv.Unquote(quoted) // it is one
			rest = pattern[len(quoted):]
		}
		if term == "" {
			return nil, errors.New("a term is empty")
		}
		*list, pattern = append(*list, term), rest
	}
	return func(message string) bool {
		for _, term := range all {
			if !strings.Contains(message, term) {
				return false
			}
		}
		for _, term := range none {
			if strings.Contains(message, term) {
				return false
			}
		}
		for _, term := range some {
			if strings.Contains(message, term) {
				return true
			}
		}
		return len(some) == 0
	}, nil
}

// holds tells whether a condition holds for a JSON message.
type holds func(message any) bool

func parseJSONPattern(text string) (matcher, error) {
	p := &parser{}
	p.scan.Init(strings.NewReader(text))
	p.scan.Mode = scanner.ScanIdents | scanner.ScanStrings
	p.scan.IsIdentRune = func(r rune, _ int) bool { // selectors, numbers and words with wildcards
		return r > ' ' && !strings.ContainsRune(`()"=!<>&|{}`, r)
	}
	p.scan.Error = func(_ *scanner.Scanner, message string) { p.fail("%s", message) }
	p.next()
	condition := p.any()
	if p.err == nil && p.token != scanner.EOF {
		p.fail("unexpected %q", p.scan.TokenText())
	}
	if p.err != nil {
		return nil, p.err
	}
	return func(message string) bool {
		var decoded any
		return json.Unmarshal([]byte(message), &decoded) == nil && condition(decoded)
	}, nil
}

type parser struct {
	scan  scanner.Scanner
	token rune
	err   error
}

func (p *parser) next() { p.token = p.scan.Scan() }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.token = scanner.EOF
}

// twice skips && or ||.
func (p *parser) twice(r rune) bool {
	if p.token != r {
		return false
	}
	p.next()
	if p.token != r {
		p.fail("%c%c expected", r, r)
		return false
	}
	p.next()
	return true
}

func (p *parser) any() holds {
	left := p.all()
	for p.twice('|') {
		a, b := left, p.all()
		left = func(m any) bool { return a(m) || b(m) }
	}
	return left
}

func (p *parser) all() holds {
	left := p.one()
	for p.twice('&') {
		a, b := left, p.one()
		left = func(m any) bool { return a(m) && b(m) }
	}
	return left
}

func (p *parser) one() holds {
	if p.token == '(' {
		p.next()
		inner := p.any()
		if p.token != ')' {
			p.fail(") expected")
			return nil
		}
		p.next()
		return inner
	}
	selector := p.scan.TokenText()
	if p.token != scanner.Ident || !strings.HasPrefix(selector, "$.") {
		p.fail("a selector expected, such as $.level, not %q", selector)
		return nil
	}
	path := strings.Split(selector[2:], ".")
	p.next()
	operator := ""
	for strings.ContainsRune("=!<>", p.token) {
		operator += string(p.token)
		p.next()
	}
	if operator == "" && p.token == scanner.Ident {
		return p.exists(path)
	}
	operand := p.scan.TokenText()
	if p.token != scanner.Ident && p.token != scanner.String {
		p.fail("a value expected, not %q", operand)
		return nil
	}
	p.next()
	return p.compare(path, operator, operand)
}

// exists reads "IS NULL", "IS TRUE", "IS FALSE" and "NOT EXISTS".
func (p *parser) exists(path []string) holds {
	first := p.scan.TokenText()
	p.next()
	second := p.scan.TokenText()
	p.next()
	is := func(want any) holds {
		return func(m any) bool {
			value, ok := at(m, path)
			return ok && value == want
		}
	}
	switch first + " " + second {
	case "IS NULL":
		return is(nil)
	case "IS TRUE":
		return is(true)
	case "IS FALSE":
		return is(false)
	case "NOT EXISTS":
		return func(m any) bool {
			_, ok := at(m, path)
			return !ok
		}
	}
	p.fail("unexpected %q", first+" "+second)
	return nil
}

func (p *parser) compare(path []string, operator, operand string) holds {
	text := operand
	if unquoted, err := strconv.Unquote(operand); err == nil {
		text = unquoted
	}
	number, err := strconv.ParseFloat(operand, 64)
	numeric := err == nil
	equal := func(value any) bool {
		switch value := value.(type) {
		case float64:
			return numeric && value == number
		case string:
			return like(value, text)
		case bool:
			return strconv.FormatBool(value) == text
		}
		return false
	}
	ordered := map[string]func(value float64) bool{
		"<": func(v float64) bool { return v < number }, "<=": func(v float64) bool { return v <= number },
		">": func(v float64) bool { return v > number }, ">=": func(v float64) bool { return v >= number },
	}[operator]
	switch {
	case operator == "=":
		return func(m any) bool {
			value, ok := at(m, path)
			return ok && equal(value)
		}
	case operator == "!=":
		return func(m any) bool {
			value, ok := at(m, path)
			return ok && !equal(value)
		}
	case ordered != nil && numeric:
		return func(m any) bool {
			value, _ := at(m, path)
			v, ok := value.(float64)
			return ok && ordered(v)
		}
	}
	p.fail("%s %s is no comparison", operator, operand)
	return nil
}

// at is what a path of names leads to.
func at(message any, path []string) (any, bool) {
	for _, name := range path {
		object, ok := message.(map[string]any)
		if !ok {
			return nil, false
		}
		if message, ok = object[name]; !ok {
			return nil, false
		}
	}
	return message, true
}

// like compares with a pattern in which * stands for anything.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return text == pattern
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		if !ok {
			return false
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}
