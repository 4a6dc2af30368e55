package secrets

import (
	"fmt"
	"io"

	"headroom/internal/pool"
)

const (
	letters        = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	passwordLength = 32 // 190 bits
)

// password makes a password of letters and digits, which need quoting nowhere.
func password(random io.Reader) (string, error) {
	made, err := pool.Draw(random, letters, passwordLength)
	if err != nil {
		return "", fmt.Errorf("make a password: %w", err)
	}
	return made, nil
}
