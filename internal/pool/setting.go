package pool

// SettingOf says what a setting of sessions is set for.
type SettingOf string

const (
	// SettingOfDatabase is of all sessions in a slot's database.
	SettingOfDatabase SettingOf = "database"
	// SettingOfRole is of all sessions of a slot's role.
	SettingOfRole SettingOf = "role"
	// SettingOfBoth is of sessions of the role in the database.
	SettingOfBoth SettingOf = "both"
)

// Setting is what sessions begin with, as the server stores it.
type Setting struct {
	Of    SettingOf
	Name  string
	Value string
}
