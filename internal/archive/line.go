package archive

import (
	"encoding/base64"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// The manifest is JSON Lines: a line says whose it is, then comes one for each entry of the zip, in the zip's
// order, and one for each table; the last has the totals and a digest. One JSON document would have to be in
// memory as a whole to be read or written; a tenant may have millions of files.
const (
	kindHeader   = "archive"
	kindObject   = "object"
	kindDatabase = "database"
	kindTable    = "table"
	kindEnd      = "end"

	// lineMax bounds a line, newline and all: a key and a name with every byte escaped, 2 KB of metadata.
	lineMax = 64 << 10
)

type headerLine struct {
	Kind         string    `json:"kind"`
	Form         int       `json:"form"`
	Tenant       text      `json:"tenant"`
	Mark         text      `json:"mark"`
	ShareMark    text      `json:"shareMark"`
	DatabaseMark text      `json:"databaseMark"`
	Bucket       text      `json:"bucket"`
	Attempt      text      `json:"attempt"`
	Made         time.Time `json:"made"`
}

// contentLine is what lines about entries of the zip have in common.
type contentLine struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	CRC32  string `json:"crc32"` // 8 hexadecimal digits
}

type objectLine struct {
	Kind string `json:"kind"`
	contentLine
	Key      text            `json:"key"`
	Version  text            `json:"version"`
	Modified time.Time       `json:"modified"`
	Metadata map[string]text `json:"metadata,omitempty"`
}

type databaseLine struct {
	Kind string `json:"kind"`
	contentLine
	Database      text  `json:"database"`
	ServerVersion text  `json:"serverVersion"`
	Bytes         int64 `json:"bytes"`
}

type tableLine struct {
	Kind   string `json:"kind"`
	Schema text   `json:"schema"`
	Table  text   `json:"table"`
	Rows   int64  `json:"rows"`
	Forced bool   `json:"forced,omitzero"`
}

type endLine struct {
	Kind      string `json:"kind"`
	Objects   int64  `json:"objects"`
	Bytes     int64  `json:"bytes"`
	Databases int64  `json:"databases"`
	DumpBytes int64  `json:"dumpBytes"`
	Tables    int64  `json:"tables"`
	Rows      int64  `json:"rows"`
	Digest    string `json:"digest"` // SHA-256 of all lines before this, newlines and all, in hexadecimal
}

// text is a string of any bytes. JSON's are of Unicode alone: what is not is written as {"base64": "…"}.
type text string

type encodedText struct {
	Base64 *string `json:"base64"`
}

// MarshalJSON writes a text.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(t))
	return json.Marshal(encodedText{Base64: &encoded})
}

// UnmarshalJSON reads a text in either form.
func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(t))
	}
	var encoded encodedText
	if err := json.Unmarshal(data, &encoded, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	if encoded.Base64 == nil {
		return fmt.Errorf("a text is neither a string nor base64")
	}
	decoded, err := base64.StdEncoding.DecodeString(*encoded.Base64)
	*t = text(decoded)
	return err
}
