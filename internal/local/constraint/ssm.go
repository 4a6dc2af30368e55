package constraint

import (
	"strconv"
	"unicode/utf8"
)

// Tiers of a parameter, as requests and answers name them.
const (
	TierStandard    = "Standard"
	TierAdvanced    = "Advanced"
	TierIntelligent = "Intelligent-Tiering"
)

// How many characters a parameter's value has at most.
const (
	standardMax = 4096
	advancedMax = 8192
)

// Parameter is what the Parameter Store refuses of a PutParameter by its form. A parameter that is there
// keeps its type.
func Parameter(name, kind, tier *string, exists bool) *Refusal {
	var c Check
	c.Required("Name", name)
	c.Length("Name", name, 1, 2048)
	c.OneOf("Type", kind, "String", "StringList", "SecureString")
	c.OneOf("Tier", tier, TierStandard, TierAdvanced, TierIntelligent)
	if r := c.Refusal(); r != nil {
		return r
	}
	if kind == nil && !exists {
		return &Refusal{Code: validation, Message: "A parameter type is required when you create a parameter."}
	}
	return nil
}

// ParameterTier is the tier that a parameter is of once a value is put, by the tier that is asked for and
// the one that it has (empty: none). Nobody asks: it stays what it is. A parameter that is advanced remains so.
func ParameterTier(asked, has, value string) (string, *Refusal) {
	size := utf8.RuneCountInString(value)
	tier := asked
	switch {
	case asked == TierStandard && has == TierAdvanced:
		return "", &Refusal{Code: validation, Message: "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter. Be aware that any parameter policies associated with the advanced parameter will be deleted."}
	case has == TierAdvanced:
		tier = TierAdvanced
	case asked == TierIntelligent && size > standardMax:
		tier = TierAdvanced
	case asked == TierIntelligent, asked == "":
		tier = TierStandard
	}
	if tier == TierStandard && size > standardMax {
		return "", &Refusal{Code: validation, Message: "Standard tier parameters support a maximum parameter value of " + strconv.Itoa(standardMax) + " characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"}
	}
	if size > advancedMax {
		return "", &Refusal{Code: validation, Message: "Advanced tier parameters support a maximum parameter value of " + strconv.Itoa(advancedMax) + " characters."}
	}
	return tier, nil
}
