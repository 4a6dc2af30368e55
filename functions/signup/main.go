// Command signup is the function that gives new tenants their database and share.
package main

import (
	"headroom/internal/function"
	"headroom/internal/signup"
)

func main() { function.Run("signup", signup.ReadEnvironment, build) }
