package postgres

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// Ping logs in to an instance and has it answer: the whole way that a signup's call takes. It is not tried again,
// for whoever asks wants to know how it is now.
func (a *Adapter) Ping(ctx context.Context, login pool.Login) error {
	err := a.within(ctx, login, maintenance, func(s session) error {
		_, err := s.True(ctx, "SELECT true")
		return err
	})
	if err != nil {
		return fmt.Errorf("ask %s whether it answers: %w", login.Host, err)
	}
	return nil
}
