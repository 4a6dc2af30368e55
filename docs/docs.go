// Package docs has those pages of the handbook that a program shows.
package docs

import _ "embed"

// Runbooks is runbooks.md: a section for each alarm, whose heading is the section's name.
//
//go:embed runbooks.md
var Runbooks []byte
