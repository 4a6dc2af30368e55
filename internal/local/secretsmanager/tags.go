package secretsmanager

import "maps"

// Tags gives a secret's tags, for policies that look at them; nil for an ARN that is no secret's.
func (s *Secrets) Tags(arn string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(arn)
	if err != nil {
		return nil
	}
	return maps.Clone(found.tags)
}
