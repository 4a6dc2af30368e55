package cloudwatch

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// values are those of a run of periods; nil where there is none.
type values []*float64

// expression makes one run of values of those of the metrics that it names. All are of n periods.
type expression func(of map[string]values, n int) values

// parser reads a metric math expression: numbers, ids, + - * /, comparisons, parentheses, and the functions
// ABS, AVG, CEIL, FILL, FLOOR, IF, MAX, MIN, SERVICE_QUOTA and SUM. What else CloudWatch knows is refused.
type parser struct {
	scan  scanner.Scanner
	token rune
	among []query
	err   error
}

// parseExpression reads an expression over some queries.
func parseExpression(text string, among []query) (expression, error) {
	if strings.HasPrefix(text, "SELECT ") {
		return unknown, nil // a query of Metrics Insights: over metrics that nothing publishes here
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
			return nil
		}
		left = both(left, p.sum(), func(a, b float64) float64 {
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
			left = both(left, p.product(), func(a, b float64) float64 { return a + b })
		case '-':
			p.next()
			left = both(left, p.product(), func(a, b float64) float64 { return a - b })
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
			left = both(left, p.factor(), func(a, b float64) float64 { return a * b })
		case '/':
			p.next()
			left = both(left, p.factor(), func(a, b float64) float64 { return a / b })
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
			return nil
		}
		p.next()
		return constant(number)
	case scanner.Ident:
		name := p.scan.TokenText()
		p.next()
		if p.token == '(' {
			return p.function(name)
		}
		if !slices.ContainsFunc(p.among, func(q query) bool { return q.ID == name }) {
			p.fail("there is no metric %q", name)
			return nil
		}
		return func(of map[string]values, _ int) values { return of[name] }
	}
	p.fail("unexpected %q", p.scan.TokenText())
	return nil
}

// function reads a call's arguments: expressions, lists of them in brackets, METRICS(), or a word.
func (p *parser) function(name string) expression {
	p.take('(')
	if name == "METRICS" {
		p.fail("METRICS() is an argument only")
		return nil
	}
	var arguments []expression
	repeat := false
	for p.err == nil && p.token != ')' {
		switch {
		case p.token == '[':
			p.next()
			for p.err == nil && p.token != ']' {
				arguments = append(arguments, p.comparison())
				if p.token == ',' {
					p.next()
				}
			}
			p.take(']')
		case p.token == scanner.Ident && p.scan.TokenText() == "METRICS":
			p.next()
			p.take('(')
			p.take(')')
			for _, q := range p.among {
				if q.MetricStat != nil {
					arguments = append(arguments, func(of map[string]values, _ int) values { return of[q.ID] })
				}
			}
		case p.token == scanner.Ident && p.scan.TokenText() == "REPEAT":
			p.next()
			repeat = true
		default:
			arguments = append(arguments, p.comparison())
		}
		if p.token == ',' {
			p.next()
		}
	}
	p.take(')')
	if p.err != nil {
		return nil
	}
	switch {
	case name == "FILL" && len(arguments) == 1 && repeat:
		return filled(arguments[0], nil)
	case name == "FILL" && len(arguments) == 2:
		return filled(arguments[0], arguments[1])
	case name == "IF" && len(arguments) == 3:
		return either(arguments[0], arguments[1], arguments[2])
	case name == "SERVICE_QUOTA" && len(arguments) == 1:
		return unknown // an account has no quotas here
	case unary[name] != nil && len(arguments) == 1:
		return each(arguments[0], unary[name])
	case overMany[name] != nil && len(arguments) > 0:
		return across(arguments, overMany[name])
	}
	p.fail("the local CloudWatch has no %s of %d arguments", name, len(arguments))
	return nil
}

var unary = map[string]func(float64) float64{"ABS": math.Abs, "CEIL": math.Ceil, "FLOOR": math.Floor}

var overMany = map[string]func([]float64) float64{
	"MAX": slices.Max[[]float64], "MIN": slices.Min[[]float64],
	"SUM": total, "AVG": func(list []float64) float64 { return total(list) / float64(len(list)) },
}

func total(list []float64) float64 {
	t := 0.0
	for _, v := range list {
		t += v
	}
	return t
}

// single makes a function of values at one period one of runs of them. What comes to no number, such as a
// division by zero, is no value.
func single(n int, at func(i int) (float64, bool)) values {
	made := make(values, n)
	for i := range made {
		if v, ok := at(i); ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			made[i] = &v
		}
	}
	return made
}

// unknown has no values.
func unknown(_ map[string]values, n int) values { return make(values, n) }

func constant(number float64) expression {
	return func(_ map[string]values, n int) values {
		return single(n, func(int) (float64, bool) { return number, true })
	}
}

func each(of expression, f func(float64) float64) expression {
	return across([]expression{of}, func(list []float64) float64 { return f(list[0]) })
}

// both needs both values at a period.
func both(left, right expression, f func(a, b float64) float64) expression {
	return func(of map[string]values, n int) values {
		a, b := left(of, n), right(of, n)
		return single(n, func(i int) (float64, bool) {
			if a[i] == nil || b[i] == nil {
				return 0, false
			}
			return f(*a[i], *b[i]), true
		})
	}
}

// across takes the values that there are at a period.
func across(arguments []expression, f func([]float64) float64) expression {
	return func(of map[string]values, n int) values {
		runs := make([]values, len(arguments))
		for i, argument := range arguments {
			runs[i] = argument(of, n)
		}
		return single(n, func(i int) (float64, bool) {
			var there []float64
			for _, run := range runs {
				if run[i] != nil {
					there = append(there, *run[i])
				}
			}
			if len(there) == 0 {
				return 0, false
			}
			return f(there), true
		})
	}
}

// filled puts a value where there is none: another expression's, or the one before (nil).
func filled(argument, with expression) expression {
	return func(of map[string]values, n int) values {
		made := slices.Clone(argument(of, n))
		var other values
		if with != nil {
			other = with(of, n)
		}
		for i := range made {
			switch {
			case made[i] != nil:
			case other != nil:
				made[i] = other[i]
			case i > 0:
				made[i] = made[i-1]
			}
		}
		return made
	}
}

func either(condition, yes, no expression) expression {
	return func(of map[string]values, n int) values {
		c, a, b := condition(of, n), yes(of, n), no(of, n)
		made := make(values, n)
		for i := range made {
			switch {
			case c[i] == nil:
			case *c[i] != 0:
				made[i] = a[i]
			default:
				made[i] = b[i]
			}
		}
		return made
	}
}

// named lists the words in an expression, among them the ids of the metrics that it is over.
func named(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
