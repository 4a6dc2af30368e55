package constraint

import "regexp"

// described is what EC2 takes in descriptions of security groups and of their rules.
var described = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}$`)

const describedAs = " description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"

// RuleDescription is what EC2 refuses of the description of a security group's rule.
func RuleDescription(text string) *Refusal {
	if described.MatchString(text) {
		return nil
	}
	return badValue("Invalid rule%s", describedAs)
}

// GroupDescription is what EC2 refuses of the description of a security group.
func GroupDescription(text string) *Refusal {
	if described.MatchString(text) {
		return nil
	}
	return badValue("Invalid security group%s", describedAs)
}
