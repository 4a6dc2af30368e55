package constraint

// Refusal is a request that AWS refuses, in its words.
type Refusal struct {
	Code    string
	Message string
	Inner   string // the code inside of Storage Gateway's exceptions; empty elsewhere
}

// Error lets a Refusal be returned as an error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// validation is the code of everything that a service's model refuses, and of more that a service does.
const validation = "ValidationException"

// Refusal is what a Check has found; nil when nothing is wrong.
func (c *Check) Refusal() *Refusal {
	if message := c.Message(); message != "" {
		return &Refusal{Code: validation, Message: message}
	}
	return nil
}
