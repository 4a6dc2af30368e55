package cloudwatch

import (
	"fmt"
	"strings"
)

// matcher reports whether a metric is what terms look for.
type matcher = func(Metric) bool

// parseTerms reads the terms of a search: words and "exact words", after a property and = or not, with AND (which may
// be left out), OR, NOT and parentheses.
func parseTerms(text string) (matcher, error) {
	words, err := termWords(text)
	if err != nil {
		return nil, err
	}
	p := &termParser{words: words}
	matches := p.any("")
	if p.err == nil && len(p.words) > 0 {
		p.fail("unexpected %q", p.words[0].text)
	}
	return matches, p.err
}

// termWord is a word of a search; a quoted one is exact. Operators and parentheses are words too.
type termWord struct {
	text   string
	quoted bool
}

// termWords parts a search into words. A property ends with its "=".
func termWords(text string) ([]termWord, error) {
	var words []termWord
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, termWord{text: word.String()})
		}
		word.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\n':
			end()
		case '(', ')':
			end()
			words = append(words, termWord{text: string(c)})
		case '=':
			word.WriteByte(c)
			end()
		case '"':
			end()
			var quoted strings.Builder
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' && i+1 < len(text) {
					i++
				}
				quoted.WriteByte(text[i])
			}
			if i == len(text) {
				return nil, invalid(`a " is not closed`)
			}
			words = append(words, termWord{text: quoted.String(), quoted: true})
		default:
			word.WriteByte(c)
		}
	}
	end()
	return words, nil
}

type termParser struct {
	words []termWord
	err   error
}

func (p *termParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("%s", fmt.Sprintf(format, args...))
	}
	p.words = nil
}

// next reports whether the next word is an operator or a parenthesis.
func (p *termParser) next(operator string) bool {
	return len(p.words) > 0 && !p.words[0].quoted && p.words[0].text == operator
}

func (p *termParser) take(operator string) bool {
	if p.next(operator) {
		p.words = p.words[1:]
		return true
	}
	return false
}

func (p *termParser) any(property string) matcher {
	left := p.all(property)
	for p.take("OR") {
		a, b := left, p.all(property)
		left = func(m Metric) bool { return a(m) || b(m) }
	}
	return left
}

func (p *termParser) all(property string) matcher {
	left := p.one(property)
	for len(p.words) > 0 && !p.next("OR") && !p.next(")") {
		p.take("AND")
		a, b := left, p.one(property)
		left = func(m Metric) bool { return a(m) && b(m) }
	}
	return left
}

func (p *termParser) one(property string) matcher {
	switch {
	case len(p.words) == 0:
		p.fail("a term is missing")
		return func(Metric) bool { return false }
	case p.take("NOT"):
		inner := p.one(property)
		return func(m Metric) bool { return !inner(m) }
	case p.take("("):
		inner := p.any(property)
		if !p.take(")") {
			p.fail(") is missing")
		}
		return inner
	case p.next(")") || p.next("AND") || p.next("OR"):
		p.fail("unexpected %q", p.words[0].text)
		return nil
	}
	word := p.words[0]
	p.words = p.words[1:]
	if name, ok := strings.CutSuffix(word.text, "="); ok && !word.quoted && name != "" && property == "" {
		return p.one(name)
	}
	return func(m Metric) bool {
		for _, name := range searched(m, property) {
			if word.quoted && name == word.text || !word.quoted && partly(name, word.text) {
				return true
			}
		}
		return false
	}
}

// searched are the names of a metric that a term is compared with: one property's, or all.
func searched(m Metric, property string) []string {
	switch property {
	case "MetricName":
		return []string{m.Name}
	case "Namespace":
		return []string{m.Namespace}
	case "":
		names := []string{m.Namespace, m.Name}
		for dimension, value := range m.Dimensions {
			names = append(names, dimension, value)
		}
		return names
	}
	if value, ok := m.Dimensions[property]; ok {
		return []string{value}
	}
	return nil
}
