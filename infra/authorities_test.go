package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// today is when the tests' authorities are looked at.
var today = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// authority is a certificate as RDS has them.
func authority(name string, until time.Time) []byte {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Locality: []string{"Seattle"}},
		NotBefore: today.AddDate(-5, 0, 0), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// bundle is what the npm package has: authorities of many regions, old ones and others too.
var bundle = bytes.Join([][]byte{
	authority("Amazon RDS eu-west-1 Root CA RSA2048 G1", today.AddDate(30, 0, 0)),
	authority("Amazon RDS eu-west-1 Root CA ECC384 G1", today.AddDate(90, 0, 0)),
	authority("Amazon RDS eu-west-1 2019 CA", today.AddDate(-2, 0, 0)),
	authority("Amazon RDS eu-west-12 Root CA RSA2048 G1", today.AddDate(30, 0, 0)),
	authority("Amazon RDS us-east-1 Root CA RSA2048 G1", today.AddDate(30, 0, 0)),
	authority("Amazon RDS Beta us-east-1 Root CA RSA2048 G1", today.AddDate(30, 0, 0)),
	authority("Amazon RDS ca-west-1 Root CA RSA2048 G1", today.AddDate(0, 0, -1)),
	authority("Amazon Root CA 1", today.AddDate(30, 0, 0)),
}, nil)

// names are the names of the certificates in a file.
func names(t *testing.T, file string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, strings.TrimPrefix(certificate.Subject.CommonName, "Amazon RDS "))
	}
	return found
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFunctionsHaveTheAuthoritiesOfTheirRegionOnly(t *testing.T) {
	all := []string{
		"eu-west-1 Root CA RSA2048 G1", "eu-west-1 Root CA ECC384 G1", "eu-west-12 Root CA RSA2048 G1", "us-east-1 Root CA RSA2048 G1",
	}
	for region, want := range map[string][]string{
		"eu-west-1": all[:2], "us-east-1": all[3:], "": all, "il-central-1": {"il-central-1 Root CA RSA2048 G1"},
	} {
		t.Run(region, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "rds-ca.pem"), bundle)
			write(t, filepath.Join(dir, "rds-ca-il-central-1.pem"), authority("Amazon RDS il-central-1 Root CA RSA2048 G1", today.AddDate(30, 0, 0)))
			for _, function := range programNames {
				write(t, filepath.Join(dir, function, "rds-ca.pem"), bundle) // of an earlier build
			}
			if err := (Authorities{Dir: dir, Region: region, Now: today}).place(dir); err != nil {
				t.Fatal(err)
			}
			for _, function := range programNames {
				file := filepath.Join(dir, function, "rds-ca.pem")
				if slices.Contains([]string{"signup", "stackcomplete", "decommission", "restore", "recovery", "rdsalarm", "archivist"}, function) {
					if got := names(t, file); !slices.Equal(got, want) {
						t.Errorf("%s has %q, want %q", function, got, want)
					}
				} else if _, err := os.Stat(file); err == nil {
					t.Errorf("%s reaches no database and has authorities", function)
				}
			}
		})
	}
}

func TestARegionWithoutAuthoritiesIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rds-ca.pem"), bundle)
	for _, region := range []string{"il-central-1", "ca-west-1", "eu-west"} { // none, only an old one, the beginning of one
		err := (Authorities{Dir: dir, Region: region, Now: today}).place(dir)
		if err == nil || !strings.Contains(err.Error(), "no valid authority of RDS in region "+region+":") ||
			!strings.Contains(err.Error(), "https://truststore.pki.rds.amazonaws.com/"+region+"/"+region+"-bundle.pem") {
			t.Errorf("%s: %v", region, err)
		}
	}
	if err := (Authorities{Dir: t.TempDir(), Now: today}).place(dir); err == nil {
		t.Error("a bundle that is not there is not missed")
	}
}

// Those that the functions read are there because they connect; the others have no way to a database or a gateway.
func TestFunctionsInTheNetworkAreThoseThatReachHosts(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, function := range functionNames {
			inside := false
			for _, f := range a.control.of("AWS::Lambda::Function") {
				if f.Properties["FunctionName"] == "headroom-"+a.stage.Name+"-"+function {
					inside = f.Properties["VpcConfig"] != nil
				}
			}
			if inside != slices.Contains(slices.Concat(reachDatabases, reachGateways), function) {
				t.Errorf("%s is in the network: %t", function, inside)
			}
		}
	})
}
