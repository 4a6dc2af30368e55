package rds

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"headroom/internal/local/service/secretsmanager"
)

// keepSecret puts the master user's password where RDS does.
func (r *RDS) keepSecret(i *instance, name, keyID, password string) {
	r.mu.Lock()
	username, arn := i.properties.MasterUsername, r.arn(i.identifier)
	r.mu.Unlock()
	value, _ := json.Marshal(map[string]string{"username": username, "password": password}) // strings always encode
	secret := r.cfg.Secrets.SetManaged(secretsmanager.Managed{
		Name: name, Owner: "rds", KeyID: keyID, Value: string(value),
		Tags: map[string]string{"aws:rds:primaryDBInstanceArn": arn, "aws:secretsmanager:owningService": "rds"},
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	i.secretARN = secret
	i.properties.MasterUserSecret.KmsKeyID = keyID
}

// newSecret is the name of a managed secret.
func newSecret() string { return "rds!db-" + newUUID() }

// RotateMaster gives an instance's master user a new password, as RDS does every seven days.
func (r *RDS) RotateMaster(ctx context.Context, identifier string) error {
	r.mu.Lock()
	i := r.instances[identifier]
	managed, keyID := i != nil && i.secretARN != "", ""
	if managed {
		keyID = i.properties.MasterUserSecret.KmsKeyID
	}
	r.mu.Unlock()
	if !managed {
		return fmt.Errorf("rotate the master password of %s: no such instance with a managed password", identifier)
	}
	return r.setPassword(ctx, i, password{managed: true, rotated: true, keyID: keyID})
}

// setPassword gives an instance's master user another password, and keeps it in a managed secret or not.
func (r *RDS) setPassword(ctx context.Context, i *instance, to password) error {
	r.mu.Lock()
	username, secret := i.properties.MasterUsername, i.secretARN
	r.mu.Unlock()
	chosen := to.given
	if to.managed {
		chosen = newPassword()
	}
	if err := i.server.SetPassword(ctx, username, chosen); err != nil {
		r.emit(i, eventResetFailed, "Unable to reset your password. Error information: the database does not answer")
		return err
	}
	switch {
	case to.rotated:
		name := secret[strings.LastIndex(secret, ":")+1:]
		r.keepSecret(i, name[:len(name)-len("-123456")], to.keyID, chosen)
	case to.managed:
		r.keepSecret(i, newSecret(), to.keyID, chosen)
	case secret != "":
		r.cfg.Secrets.RemoveManaged(secret)
	}
	r.mu.Lock()
	i.properties.MasterUserPassword = to.given
	if !to.managed {
		i.secretARN = ""
	}
	r.mu.Unlock()
	r.emit(i, eventReset, "Reset master credentials")
	return nil
}

// newPassword makes a password with the characters that RDS's have: quoting has to be right.
func newPassword() string { return rand.Text()[:24] + "~!$%'\"<>" }

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, as crypto/rand says
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
