package preflight

import (
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// maxViolations is how many things about one object are worth being told.
const maxViolations = 20

// violations puts a validation's outcome into words, without the values: they may
// be secrets.
func violations(e *jsonschema.ValidationError) []violation {
	switch e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		var list []violation
		for _, c := range e.Causes {
			if list = append(list, violations(c)...); len(list) >= maxViolations {
				return list[:maxViolations]
			}
		}
		return list
	}
	path := pathOf(e.InstanceLocation)
	if r, ok := e.ErrorKind.(*kind.Required); ok {
		var list []violation
		for _, name := range r.Missing {
			list = append(list, violation{path: strings.TrimPrefix(path+"."+name, "."), reason: "is required"})
		}
		return list
	}
	return []violation{{path: path, reason: violationText(e.ErrorKind)}}
}

func violationText(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("is a value of type %s, expected %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Enum:
		var list []string
		for _, w := range k.Want {
			list = append(list, fmt.Sprintf("%q", fmt.Sprint(w)))
		}
		return "is none of " + strings.Join(list, ", ")
	case *kind.Pattern:
		return fmt.Sprintf("does not match %q", k.Want)
	case *kind.Minimum:
		return "is less than " + k.Want.RatString()
	case *kind.Maximum:
		return "is more than " + k.Want.RatString()
	case *kind.MinItems:
		return fmt.Sprintf("has %d entries, at least %d are needed", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d entries, at most %d are allowed", k.Got, k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, at least %d are needed", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, at most %d are allowed", k.Got, k.Want)
	case *kind.UniqueItems:
		return "has the same entry twice"
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		return "matches no allowed schema, or a forbidden one"
	case *kind.ExclusiveMinimum, *kind.ExclusiveMaximum, *kind.MultipleOf:
		return "is out of bounds"
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}
