package cloudwatch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// parser reads a metric math expression: numbers, ids, + - * /, comparisons, parentheses, and the functions
// ABS, AVG, CEIL, FILL, FLOOR, IF, MAX, MIN, SEARCH, SERVICE_QUOTA, SORT and SUM. What else CloudWatch knows is refused.
type parser struct {
	scan  scanner.Scanner
	token rune
	among []query
	err   error
}

// parseExpression reads an expression over some queries.
func parseExpression(text string, among []query) (expression, error) {
	if strings.HasPrefix(text, "SELECT ") {
		return expression{many: true, lines: unknown}, nil // a query of Metrics Insights: over metrics that nothing publishes here
	}
	p := &parser{among: among}
	p.scan.Init(strings.NewReader(text))
	p.scan.Mode = scanner.ScanIdents | scanner.ScanFloats | scanner.ScanInts
	p.scan.Error = func(_ *scanner.Scanner, message string) { p.fail("%s", message) }
	p.next()
	parsed := p.comparison()
	if p.err == nil && p.token != scanner.EOF {
		p.fail("unexpected %q", p.scan.TokenText())
	}
	return parsed, p.err
}

// quoted reads what stands in single quotes, in which CloudWatch has strings.
func (p *parser) quoted() string {
	if p.token != '\'' {
		p.fail("a string in single quotes expected, not %q", p.scan.TokenText())
		return ""
	}
	var text strings.Builder
	for {
		switch c := p.scan.Next(); c {
		case scanner.EOF:
			p.fail("a ' is not closed")
			return ""
		case '\'':
			p.next()
			return text.String()
		default:
			text.WriteRune(c)
		}
	}
}

func (p *parser) next() { p.token = p.scan.Scan() }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.token = scanner.EOF
}

// take skips a token that must be there.
func (p *parser) take(token rune) {
	if p.token != token {
		p.fail("%q expected, not %q", token, p.scan.TokenText())
		return
	}
	p.next()
}

var comparisons = map[string]func(a, b float64) bool{
	"<": func(a, b float64) bool { return a < b }, "<=": func(a, b float64) bool { return a <= b },
	">": func(a, b float64) bool { return a > b }, ">=": func(a, b float64) bool { return a >= b },
	"==": func(a, b float64) bool { return a == b }, "!=": func(a, b float64) bool { return a != b },
}

func (p *parser) comparison() expression {
	left := p.sum()
	for p.token == '<' || p.token == '>' || p.token == '=' || p.token == '!' {
		operator := string(p.token)
		p.next()
		if p.token == '=' {
			operator += "="
			p.next()
		}
		compare := comparisons[operator]
		if compare == nil {
			p.fail("operator %q is not supported", operator)
			return none
		}
		left = p.both(left, p.sum(), func(a, b float64) float64 {
			if compare(a, b) {
				return 1
			}
			return 0
		})
	}
	return left
}

func (p *parser) sum() expression {
	left := p.product()
	for {
		switch p.token {
		case '+':
			p.next()
			left = p.both(left, p.product(), func(a, b float64) float64 { return a + b })
		case '-':
			p.next()
			left = p.both(left, p.product(), func(a, b float64) float64 { return a - b })
		default:
			return left
		}
	}
}

func (p *parser) product() expression {
	left := p.factor()
	for {
		switch p.token {
		case '*':
			p.next()
			left = p.both(left, p.factor(), func(a, b float64) float64 { return a * b })
		case '/':
			p.next()
			left = p.both(left, p.factor(), func(a, b float64) float64 { return a / b })
		default:
			return left
		}
	}
}

func (p *parser) factor() expression {
	switch p.token {
	case '-':
		p.next()
		return each(p.factor(), func(v float64) float64 { return -v })
	case '(':
		p.next()
		inner := p.comparison()
		p.take(')')
		return inner
	case scanner.Int, scanner.Float:
		number, err := strconv.ParseFloat(p.scan.TokenText(), 64)
		if err != nil {
			p.fail("%q is no number", p.scan.TokenText())
			return none
		}
		p.next()
		return constant(number)
	case scanner.Ident:
		name := p.scan.TokenText()
		p.next()
		if p.token == '(' {
			return p.function(name)
		}
		return p.named(name)
	case '[':
		return p.array()
	}
	p.fail("unexpected %q", p.scan.TokenText())
	return none
}

// named is what a query comes to that an expression names.
func (p *parser) named(id string) expression {
	i := slices.IndexFunc(p.among, func(q query) bool { return q.ID == id })
	if i < 0 {
		p.fail("there is no metric %q", id)
		return none
	}
	many := false
	if other := p.among[i]; other.Expression != "" {
		rest := slices.DeleteFunc(slices.Clone(p.among), func(q query) bool { return q.ID == id }) // none depends on itself
		parsed, err := parseExpression(other.Expression, rest)
		if err != nil {
			p.fail("%v", err)
		}
		many = parsed.many
	}
	return expression{many: many, lines: func(in inputs) []line { return in.of[id] }}
}

// array reads a list in brackets.
func (p *parser) array() expression {
	p.take('[')
	var parts []expression
	for p.err == nil && p.token != ']' {
		parts = append(parts, p.comparison())
		if p.token == ',' {
			p.next()
		}
	}
	p.take(']')
	return joined(parts)
}

// metrics is METRICS(): all queries of a metric.
func (p *parser) metrics() expression {
	var parts []expression
	for _, q := range p.among {
		if q.MetricStat != nil {
			parts = append(parts, p.named(q.ID))
		}
	}
	return joined(parts)
}

// words are what functions take beside expressions.
var words = []string{"REPEAT", "ASC", "DESC", "AVG", "MAX", "MIN", "SUM"}

// function reads a call.
func (p *parser) function(name string) expression {
	if name == "SEARCH" {
		return p.search()
	}
	p.take('(')
	var arguments []expression
	var said []string
	for p.err == nil && p.token != ')' {
		if word := p.scan.TokenText(); p.token == scanner.Ident && slices.Contains(words, word) && p.scan.Peek() != '(' {
			said = append(said, word)
			p.next()
		} else {
			arguments = append(arguments, p.comparison())
		}
		if p.token == ',' {
			p.next()
		}
	}
	p.take(')')
	if p.err != nil {
		return none
	}
	made, ok := call(name, arguments, said)
	switch {
	case name == "METRICS" && len(arguments) == 0:
		return p.metrics()
	case !ok:
		p.fail("the local CloudWatch has no %s of %d arguments like these", name, len(arguments))
	}
	return made
}

// search reads SEARCH('terms', 'statistic', seconds), of which the last may be missing.
func (p *parser) search() expression {
	p.take('(')
	text := p.quoted()
	p.take(',')
	stat := p.quoted()
	if p.err != nil {
		return none
	}
	found, err := parseSearch(text)
	if err == nil {
		found.stat = stat
		found.statistic, err = parseStatistic(stat)
	}
	if err != nil {
		p.fail("%v", err)
		return none
	}
	if p.token == ',' {
		p.next()
		found.period, err = strconv.Atoi(p.scan.TokenText())
		if err != nil || found.period < 1 {
			p.fail("%q is no period", p.scan.TokenText())
			return none
		}
		p.next()
	}
	p.take(')')
	return expression{many: true, period: found.period, lines: func(in inputs) []line { return in.find(found) }}
}

// both works on two expressions, of which one only may be an array.
func (p *parser) both(left, right expression, f func(a, b float64) float64) expression {
	if left.many && right.many {
		p.fail("two arrays of time series can't be combined")
		return none
	}
	return both(left, right, f)
}

// named lists the words in an expression, among them the ids of the metrics that it is over.
func named(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
