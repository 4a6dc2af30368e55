package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A database is dumped by programs of its server's own major version alone.
func TestTheImageHasTheProgramsOfDatabaseHosts(t *testing.T) {
	image, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := os.ReadFile("../../infra/databasehost.go")
	if err != nil {
		t.Fatal(err)
	}
	base := regexp.MustCompile(`(?m)^FROM \S+/postgres:(\d+)-`).FindStringSubmatch(string(image))
	more := regexp.MustCompile(`(?m)^ARG MAJORS="([\d ]*)"$`).FindStringSubmatch(string(image))
	if base == nil || more == nil {
		t.Fatal("the Dockerfile does not say which versions it has")
	}
	has := append(strings.Fields(more[1]), base[1])
	versions := regexp.MustCompile(`EngineVersion:\s+jsii\.String\("(\d+)`).FindAllStringSubmatch(string(hosts), -1)
	if len(versions) == 0 {
		t.Fatal("database hosts do not say which version they have")
	}
	for _, v := range versions {
		if !slices.Contains(has, v[1]) {
			t.Errorf("hosts have PostgreSQL %s, and the image has %v", v[1], has)
		}
	}
}
