package pool

import (
	"fmt"
	"io"
)

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"

	nameLength = 12 // 61 bits
)

// OpaqueName draws a name for a slot, or a mark of an order or a signup, from a source of random bytes: 12 lower-case letters and digits, a letter first, so that it
// can stand in the names of databases, roles, buckets and paths. It says nothing about its tenant,
// because the tenants of a host can see each other's names.
func OpaqueName(random io.Reader) (string, error) {
	first, err := Draw(random, lower, 1)
	if err != nil {
		return "", fmt.Errorf("make a name: %w", err)
	}
	rest, err := Draw(random, lower+digits, nameLength-1)
	if err != nil {
		return "", fmt.Errorf("make a name: %w", err)
	}
	return first + rest, nil
}

// Draw draws length characters of alphabet, each as likely as any other: bytes in the last, partial
// round of the alphabet are drawn again.
func Draw(random io.Reader, alphabet string, length int) (string, error) {
	rounds := 256 / len(alphabet) * len(alphabet)
	drawn := make([]byte, 0, length)
	buffer := make([]byte, length)
	for len(drawn) < length {
		chunk := buffer[:length-len(drawn)]
		if _, err := io.ReadFull(random, chunk); err != nil {
			return "", err
		}
		for _, b := range chunk {
			if int(b) < rounds {
				drawn = append(drawn, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(drawn), nil
}
