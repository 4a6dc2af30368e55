package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

const (
	// authoritiesFile is the file beside a function's program with the authorities of RDS.
	authoritiesFile = "rds-ca.pem"
	bundleURL       = "https://truststore.pki.rds.amazonaws.com"
)

// authorityName is what RDS calls an authority of a region that signs today's instances. Previews, and the
// intermediates and roots of 2019, have other names.
var authorityName = regexp.MustCompile(`^Amazon RDS ([a-z0-9-]+) Root CA \S+ G[0-9]+$`)

// Authorities says where the certificate authorities of RDS come from, and which are wanted.
type Authorities struct {
	// Dir holds rds-ca.pem, with authorities of many regions, or rds-ca-<region>.pem, with those of one as AWS
	// publishes them. The latter comes first.
	Dir    string
	Region string // that is deployed to; empty: not known, so that of no region may be missing
	Now    time.Time
}

// place puts the authorities beside the programs that reach databases, and beside no others:
// each that is parsed makes a cold start longer.
func (a Authorities) place(codeDir string) error {
	wanted, err := a.read()
	if err != nil {
		return err
	}
	for _, program := range programNames {
		file := filepath.Join(codeDir, program, authoritiesFile)
		if !slices.Contains(reachDatabases, program) {
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("leave the authorities of RDS out of %s: %w", program, err)
			}
			continue
		}
		if err := os.WriteFile(file, wanted, 0o644); err != nil {
			return fmt.Errorf("give %s the authorities of RDS: %w", program, err)
		}
	}
	return nil
}

func (a Authorities) read() ([]byte, error) {
	file := filepath.Join(a.Dir, "rds-ca-"+a.Region+".pem")
	bundle, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		file = filepath.Join(a.Dir, authoritiesFile)
		bundle, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read the authorities of RDS: %w", err)
	}
	wanted, err := pick(bundle, a.Region, a.Now)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of RDS from %s: %w", file, err)
	}
	if len(wanted) == 0 {
		return nil, fmt.Errorf("%s has no valid authority of RDS in region %s: fetch %s/%s/%s-bundle.pem to %s (make deploy does, where it reaches it)",
			file, a.Region, bundleURL, a.Region, a.Region, filepath.Join(a.Dir, "rds-ca-"+a.Region+".pem"))
	}
	return wanted, nil
}

// pick returns the authorities of a region, or of all, that are valid.
func pick(bundle []byte, region string, now time.Time) ([]byte, error) {
	var wanted bytes.Buffer
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		name := authorityName.FindStringSubmatch(certificate.Subject.CommonName)
		if name == nil || region != "" && name[1] != region || now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
			continue
		}
		if err := pem.Encode(&wanted, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
			return nil, err
		}
	}
	return wanted.Bytes(), nil
}
