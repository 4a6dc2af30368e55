package constraint

import (
	"fmt"
	"regexp"
	"strings"
)

// operatorsMax is how many operators and functions an expression of DynamoDB has at most.
const operatorsMax = 300

// tokens are what an expression is made of: placeholders, operators, and words with the bracket behind them.
var tokens = regexp.MustCompile(`[:#][A-Za-z0-9_]+|<>|<=|>=|[=<>+-]|[A-Za-z_][A-Za-z0-9_]*\s*\(?`)

// Expression is what DynamoDB refuses of an expression that has too many operators. The parameter is what it
// is given as, such as "UpdateExpression".
func Expression(parameter, expression string) *Refusal {
	if operators(parameter, expression) <= operatorsMax {
		return nil
	}
	return &Refusal{Code: validation, Message: fmt.Sprintf("Invalid %s: The expression contains too many operators; operator count: %d", parameter, operatorsMax+1)}
}

func operators(parameter, expression string) int {
	count, between := 0, false
	for _, token := range tokens.FindAllString(expression, -1) {
		word, called := strings.CutSuffix(token, "(")
		switch word = strings.ToUpper(strings.TrimSpace(word)); {
		case word[0] == ':' || word[0] == '#':
		case word == "=" && parameter == "UpdateExpression": // SET a = :b + :c has one operator
		case word == "AND" && between: // of BETWEEN … AND …
			between = false
		case word == "BETWEEN":
			between = true
			count++
		case strings.ContainsAny(word[:1], "=<>+-"), word == "AND", word == "OR", word == "NOT", word == "IN", called:
			count++
		}
	}
	return count
}
