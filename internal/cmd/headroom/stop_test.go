package main

import "testing"

func TestWhatRunsIsNamedForPeople(t *testing.T) {
	for want, running := range map[string][]string{
		"": nil,
		"2 functions, DynamoDB, SQS and SNS, 1 database server": {"bootstrap", "bootstrap", "dynoxide", "node", "postgres"},
		"1 function, 1 initdb, 3 database servers":              {"bootstrap", "initdb", "postgres", "postgres", "postgres"},
	} {
		if got := programs(running); got != want {
			t.Errorf("%v are %q, want %q", running, got, want)
		}
	}
}
