package sts

import "testing"

func TestCallersAreToldWhoTheyAre(t *testing.T) {
	for principal, want := range map[string]string{
		"":                                      "arn:aws:iam::123456789012:root",
		"arn:aws:iam::123456789012:role/signup": "arn:aws:sts::123456789012:assumed-role/signup/local",
		"arn:aws:sts::123456789012:assumed-role/signup/proc1": "arn:aws:sts::123456789012:assumed-role/signup/proc1",
	} {
		if got := identity("123456789012", principal)["Arn"]; got != want {
			t.Errorf("%q is %v, want %s", principal, got, want)
		}
	}
}
