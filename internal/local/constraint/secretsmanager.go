package constraint

import "regexp"

const (
	secretNameMax = 512
	secretMax     = 65536 // bytes
)

var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]*$`)

// Secret is what Secrets Manager refuses of a new secret.
func Secret(name, value, token *string) *Refusal {
	var c Check
	c.Required("Name", name)
	c.Length("Name", name, 1, secretNameMax)
	if r := c.Refusal(); r != nil {
		return r
	}
	if !secretName.MatchString(*name) {
		return &Refusal{Code: validation, Message: "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"}
	}
	return SecretValue(value, token)
}

// SecretValue is what Secrets Manager refuses of a secret's value, and of the token that it comes with.
func SecretValue(value, token *string) *Refusal {
	var c Check
	if value != nil {
		c.Count("SecretString", len(*value), 1, secretMax) // bytes, and not repeated in the answer
	}
	if r := c.Refusal(); r != nil {
		return r
	}
	if token != nil && (len(*token) < 32 || len(*token) > 64) {
		return &Refusal{Code: "InvalidParameterException", Message: "ClientRequestToken must be 32-64 characters long."}
	}
	return nil
}
