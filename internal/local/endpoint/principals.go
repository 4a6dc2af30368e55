package endpoint

import (
	"net/http"
	"strings"
	"sync"
)

// Principals tells whose an access key is.
type Principals interface {
	// Principal is the ARN of the role (arn:aws:iam::…:role/R) or role session
	// (arn:aws:sts::…:assumed-role/R/S) that the key belongs to; empty for the account's owner.
	// Keys that were never issued are the owner's.
	Principal(accessKeyID string) string
}

// Keys are the access keys issued to roles: a Principals that can be added to while it is in use.
type Keys struct {
	mu    sync.RWMutex
	owner map[string]string // access key id → principal ARN
}

// Issue makes an access key id the given role's or role session's.
func (k *Keys) Issue(accessKeyID, principal string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.owner == nil {
		k.owner = map[string]string{}
	}
	k.owner[accessKeyID] = principal
}

// Principal tells whose the key is.
func (k *Keys) Principal(accessKeyID string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.owner[accessKeyID]
}

// AccessKeyID is the access key that a request is signed with, or empty. The signature itself is
// not checked: everything here is on loopback.
func AccessKeyID(req *http.Request) string {
	s, _ := readSignature(req)
	return s.accessKeyID
}

// signature is the credential scope of a SigV4 signed request.
type signature struct {
	accessKeyID string
	service     string
}

// readSignature reads the scope from the Authorization header, or from a presigned URL.
func readSignature(req *http.Request) (signature, bool) {
	credential := req.URL.Query().Get("X-Amz-Credential")
	if _, rest, ok := strings.Cut(req.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) != 5 {
		return signature{}, false
	}
	return signature{accessKeyID: parts[0], service: parts[3]}, true
}
