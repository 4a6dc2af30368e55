package cloudwatch

import (
	"cmp"
	"math"
	"slices"
)

// values are those of a run of periods; nil where there is none.
type values []*float64

// line is one time series: its values, and the metric that a search found it by.
type line struct {
	values
	metric *Metric
	stat   string // of that metric
}

// inputs are what an expression is worked out over: n periods of what its queries came to, and all metrics.
type inputs struct {
	of   map[string][]line
	n    int
	find func(search) []line
}

// expression makes time series of others: one, or an array of any number.
type expression struct {
	many   bool
	period int // seconds, of a search; 0: none is said
	lines  func(inputs) []line
}

// none is an expression that could not be read.
var none = expression{lines: unknown}

// call is a function with its arguments, and the words among them; ok is false for one that is not known.
func call(name string, arguments []expression, said []string) (made expression, ok bool) {
	switch n := len(arguments); {
	case name == "FILL" && n == 1 && slices.Equal(said, []string{"REPEAT"}):
		return filled(arguments[0], nil), true
	case name == "SORT" && n == 1 && arguments[0].many && len(said) == 2:
		return sorted(arguments[0], said[0], said[1], constant(foundMost))
	case name == "SORT" && n == 2 && arguments[0].many && len(said) == 2:
		return sorted(arguments[0], said[0], said[1], arguments[1])
	case len(said) > 0:
		return none, false
	case name == "FILL" && n == 2 && !arguments[1].many:
		return filled(arguments[0], arguments[1].lines), true
	case name == "IF" && n == 3 && !arguments[0].many && !arguments[1].many && !arguments[2].many:
		return either(arguments[0], arguments[1], arguments[2]), true
	case name == "SERVICE_QUOTA" && n == 1:
		return expression{lines: unknown}, true // an account has no quotas here
	case unary[name] != nil && n == 1:
		return each(arguments[0], unary[name]), true
	case overMany[name] != nil && n == 1 && arguments[0].many: // of a single one CloudWatch makes a number
		return across(arguments[0], overMany[name]), true
	}
	return none, false
}

var unary = map[string]func(float64) float64{"ABS": math.Abs, "CEIL": math.Ceil, "FLOOR": math.Floor}

var overMany = map[string]func([]float64) float64{"MAX": slices.Max[[]float64], "MIN": slices.Min[[]float64], "SUM": total, "AVG": average}

func total(list []float64) float64 {
	t := 0.0
	for _, v := range list {
		t += v
	}
	return t
}

func average(list []float64) float64 { return total(list) / float64(len(list)) }

// single makes values, at one period after the other. What comes to no number, such as a division by zero, is no value.
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
func unknown(in inputs) []line { return []line{{values: make(values, in.n)}} }

func constant(number float64) expression {
	return expression{lines: func(in inputs) []line {
		return []line{{values: single(in.n, func(int) (float64, bool) { return number, true })}}
	}}
}

// joined is an array of all that expressions come to.
func joined(parts []expression) expression {
	return expression{many: true, lines: func(in inputs) []line {
		var lines []line
		for _, part := range parts {
			lines = append(lines, part.lines(in)...)
		}
		return lines
	}}
}

func each(of expression, f func(float64) float64) expression {
	return both(of, constant(0), func(a, _ float64) float64 { return f(a) })
}

// both needs both values at a period. Of an array each time series is taken, with the one of the other.
func both(left, right expression, f func(a, b float64) float64) expression {
	return expression{many: left.many || right.many, period: max(left.period, right.period), lines: func(in inputs) []line {
		one, other := left.lines(in), right.lines(in)
		var made []line
		for i := range max(len(one), len(other)) {
			if len(one) == 0 || len(other) == 0 {
				break // nothing was found
			}
			a, b := one[min(i, len(one)-1)], other[min(i, len(other)-1)]
			of := a
			if right.many {
				of = b
			}
			of.values = single(in.n, func(i int) (float64, bool) {
				if a.values[i] == nil || b.values[i] == nil {
					return 0, false
				}
				return f(*a.values[i], *b.values[i]), true
			})
			made = append(made, of)
		}
		return made
	}}
}

// across takes the values that there are at a period, of all time series of an array.
func across(of expression, f func([]float64) float64) expression {
	return expression{period: of.period, lines: func(in inputs) []line {
		lines := of.lines(in)
		return []line{{values: single(in.n, func(i int) (float64, bool) {
			var there []float64
			for _, l := range lines {
				if l.values[i] != nil {
					there = append(there, *l.values[i])
				}
			}
			if len(there) == 0 {
				return 0, false
			}
			return f(there), true
		})}}
	}}
}

// filled puts a value where there is none: another expression's, or the one before (nil).
func filled(argument expression, with func(inputs) []line) expression {
	argument.lines = func(of func(inputs) []line) func(inputs) []line {
		return func(in inputs) []line {
			lines := slices.Clone(of(in))
			var other values
			if with != nil {
				other = with(in)[0].values
			}
			for i := range lines {
				lines[i].values = slices.Clone(lines[i].values)
				for at, v := range lines[i].values {
					switch {
					case v != nil:
					case other != nil:
						lines[i].values[at] = other[at]
					case at > 0:
						lines[i].values[at] = lines[i].values[at-1]
					}
				}
			}
			return lines
		}
	}(argument.lines)
	return argument
}

func either(condition, yes, no expression) expression {
	return expression{period: max(condition.period, yes.period, no.period), lines: func(in inputs) []line {
		c, a, b := condition.lines(in)[0].values, yes.lines(in)[0].values, no.lines(in)[0].values
		made := make(values, in.n)
		for i := range made {
			switch {
			case c[i] == nil:
			case *c[i] != 0:
				made[i] = a[i]
			default:
				made[i] = b[i]
			}
		}
		return []line{{values: made}}
	}}
}

// sorted puts the time series of an array in the order of what their values come to, and keeps the first ones.
func sorted(of expression, by, order string, most expression) (expression, bool) {
	reckon := overMany[by]
	if reckon == nil || order != "ASC" && order != "DESC" {
		return none, false
	}
	return expression{many: true, period: of.period, lines: func(in inputs) []line {
		lines := slices.Clone(of.lines(in))
		if in.n == 0 {
			return lines
		}
		slices.SortStableFunc(lines, func(a, b line) int {
			switch x, y := a.there(), b.there(); {
			case len(x) == 0 || len(y) == 0:
				return cmp.Compare(len(y), len(x)) // those without data come last
			case order == "ASC":
				return cmp.Compare(reckon(x), reckon(y))
			default:
				return cmp.Compare(reckon(y), reckon(x))
			}
		})
		if limit := most.lines(in)[0].there(); len(limit) > 0 {
			lines = lines[:min(len(lines), max(0, int(limit[0])))]
		}
		return lines
	}}, true
}

// there are the values that there are.
func (l line) there() []float64 {
	var list []float64
	for _, v := range l.values {
		if v != nil {
			list = append(list, *v)
		}
	}
	return list
}
