package postgres

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

const (
	scramIterations = 4096 // PostgreSQL's own default
	scramSaltSize   = 16
)

// verifier is what a server stores to check a password without knowing it (RFC 5802, RFC 7677, in
// PostgreSQL's notation). It is made here so that the password reaches neither the server nor its
// logs.
func verifier(password string, random io.Reader) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	salt := make([]byte, scramSaltSize)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("make the salt of a password: %w", err)
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("salt a password: %w", err)
	}
	storedKey := sha256.Sum256(sign(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s",
		scramIterations, encode(salt), encode(storedKey[:]), encode(sign(salted, "Server Key"))), nil
}

// checkPassword refuses what clients would normalize before they use it, and each in its own way.
func checkPassword(password string) error {
	if password == "" {
		return errors.New("the password is empty")
	}
	for _, r := range password {
		if r <= ' ' || r > '~' {
			return errors.New("the password has other than printable ASCII characters")
		}
	}
	return nil
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
