package secretsmanager

import "maps"

// Tags returns a secret's tags, for policies that look at them; nil for an ARN that is no secret's.
func (s *Secrets) Tags(arn string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(arn)
	if err != nil {
		return nil
	}
	return maps.Clone(found.tags)
}

// Key returns the KMS key of a secret, as it was given; empty when there is no such secret, or it has
// none of its own.
func (s *Secrets) Key(arn string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(arn)
	if err != nil {
		return ""
	}
	return found.keyID
}
