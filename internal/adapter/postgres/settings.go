package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"headroom/internal/pool"
)

// Settings are what sessions of a slot's database begin with, where it was set for the database, for its role, or for its role
// in it. Without a slot the error is ErrNoSlot, of a database that does not bear the slot's mark ErrForeign.
func (a *Adapter) Settings(ctx context.Context, login pool.Login, slot pool.MarkedSlot) (settings []pool.Setting, err error) {
	if _, err := identifyMarked(slot); err != nil {
		return nil, err
	}
	err = a.retry(ctx, func() error {
		return a.within(ctx, login, maintenance, func(s session) error {
			if err := refuseStrange(ctx, s, slot); err != nil {
				return err
			}
			there, err := s.True(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '"+pool.DatabaseName(slot.Name)+"')")
			if err != nil {
				return err
			}
			if !there {
				return ErrNoSlot
			}
			rows, err := s.Rows(ctx, `
				SELECT CASE WHEN setrole = 0 THEN 'database' WHEN setdatabase = 0 THEN 'role' ELSE 'both' END,
					split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
				FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole,
					unnest(setconfig) WITH ORDINALITY AS config (setting, at)
				WHERE (setdatabase = 0 OR d.datname = '`+pool.DatabaseName(slot.Name)+`') AND (setrole = 0 OR r.rolname = '`+pool.RoleName(slot.Name)+`')
					AND (setdatabase <> 0 OR setrole <> 0)
				ORDER BY 1, at`)
			if err != nil {
				return err
			}
			settings = nil
			for _, row := range rows {
				settings = append(settings, pool.Setting{Of: pool.SettingOf(row[0]), Name: row[1], Value: row[2]})
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the settings of slot %s on %s: %w", slot.Name, login.Host, err)
	}
	return settings, nil
}

// elsewhere are settings that would make master somebody else while they are set.
var elsewhere = []string{"role", "session_authorization"}

// Configure gives a slot's database and role settings of another's. A setting is set as it was stored, by FROM CURRENT: it may
// be a list, which would be one word if it were quoted. What no session can set is left out, and so is what would make master
// somebody else meanwhile. Nobody may be able to log in as the slot's role yet. Done again it comes to the same.
func (a *Adapter) Configure(ctx context.Context, login pool.Login, slot pool.MarkedSlot, settings []pool.Setting) error {
	id, err := identifyMarked(slot)
	if err != nil {
		return err
	}
	target := map[pool.SettingOf]string{
		pool.SettingOfDatabase: "DATABASE " + id.database, pool.SettingOfRole: "ROLE " + id.role, pool.SettingOfBoth: "ROLE " + id.role + " IN DATABASE " + id.database,
	}
	for _, setting := range settings {
		if slices.Contains(elsewhere, setting.Name) || target[setting.Of] == "" {
			continue
		}
		// Each in a session of its own, which ends with what was set in it.
		err := a.retry(ctx, func() error {
			return a.within(ctx, login, maintenance, func(s session) error {
				if err := refuseStrange(ctx, s, slot); err != nil {
					return err
				}
				return s.Exec(ctx, "DO $headroom$ BEGIN PERFORM set_config("+literal(setting.Name)+", "+literal(setting.Value)+", true);"+
					" EXECUTE format('ALTER "+strings.ReplaceAll(target[setting.Of], "'", "''")+" SET %I FROM CURRENT', "+literal(setting.Name)+");"+
					" EXCEPTION WHEN cant_change_runtime_param OR read_only_sql_transaction OR invalid_parameter_value OR undefined_object OR insufficient_privilege THEN NULL;"+
					" END $headroom$")
			})
		})
		if err != nil {
			return fmt.Errorf("give slot %s on %s the setting %s: %w", slot.Name, login.Host, setting.Name, err)
		}
	}
	return nil
}

// literal is a string constant of any text. It can't end the block that it stands in.
func literal(text string) string {
	var b strings.Builder
	b.WriteString("U&'")
	for _, r := range text {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_' || r == '.') {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\+%06X`, r)
		}
	}
	b.WriteString("'")
	return b.String()
}
