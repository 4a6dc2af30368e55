package rds

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

func decode(call endpoint.Call, into any) error {
	if err := weakjson.Decode(call.Params, into); err != nil {
		return refused("InvalidParameterValue", "The request can't be read: %v", err)
	}
	return nil
}

// identifierSyntax is that of instances and snapshots: a letter, then letters, digits and hyphens, of which no two
// are in a row and none is the last.
var identifierSyntax = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9])*$`)

func checkIdentifier(parameter, value string) error {
	if len(value) <= 63 && identifierSyntax.MatchString(value) {
		return nil
	}
	return refused("InvalidParameterValue", "The parameter %s is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.", parameter)
}

// days is a retention period. One that nobody gave is a day, as the API's default is.
type days struct {
	given bool
	n     int
}

// UnmarshalJSON reads what weakjson.Int does.
func (d *days) UnmarshalJSON(data []byte) error {
	var n weakjson.Int
	if err := n.UnmarshalJSON(data); err != nil {
		return err
	}
	*d = days{given: true, n: int(n)}
	return nil
}

// days is how many they are.
func (d days) days() int {
	if !d.given {
		return 1
	}
	return d.n
}

func (d days) check() error {
	if d.given && (d.n < 0 || d.n > 35) {
		return refused("InvalidParameterValue", "Invalid backup retention period: %d. Must be between 0 and 35.", d.n)
	}
	return nil
}

// filters are those of a Describe call.
type filters struct {
	Filters []struct {
		Name   string         `json:"Name"`
		Values weakjson.Texts `json:"Values"`
	} `json:"Filters"`
}

// match reports whether all filters let something through, which has the values given by the filter's name.
func (f filters) match(of map[string]string) (bool, error) {
	for _, filter := range f.Filters {
		value, known := of[filter.Name]
		if !known {
			return false, refused("InvalidParameterValue", "Unrecognized filter name: %s", filter.Name)
		}
		if !slices.ContainsFunc(filter.Values, func(wanted string) bool { return identifierOf(wanted) == strings.ToLower(value) }) {
			return false, nil
		}
	}
	return true, nil
}

// page says which part of a list is wanted.
type page struct {
	MaxRecords weakjson.Int `json:"MaxRecords"`
	Marker     string       `json:"Marker"` // how many came before
}

// cut answers a page of a list.
func (p page) cut(name, element string, list []any) (any, error) {
	most := int(p.MaxRecords)
	if most == 0 {
		most = 100
	}
	if most < 20 || most > 100 {
		return nil, refused("InvalidParameterValue", "Invalid value %d for MaxRecords. Must be between 20 and 100", most)
	}
	from := 0
	if p.Marker != "" {
		var err error
		if from, err = strconv.Atoi(p.Marker); err != nil || from < 0 || from > len(list) {
			return nil, refused("InvalidParameterValue", "The request includes an invalid marker value.")
		}
	}
	answer := map[string]any{}
	list = list[from:]
	if len(list) > most {
		list = list[:most]
		answer["Marker"] = strconv.Itoa(from + most)
	}
	answer[name] = endpoint.List{Element: element, Items: list}
	return answer, nil
}
