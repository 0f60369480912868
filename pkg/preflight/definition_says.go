package preflight

import (
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// mostWrongs is how many things about one object are worth being told.
const mostWrongs = 20

// wrongs puts a validation's outcome into words, without the values: they may
// be secrets.
func wrongs(e *jsonschema.ValidationError) []broken {
	switch e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		var list []broken
		for _, c := range e.Causes {
			if list = append(list, wrongs(c)...); len(list) >= mostWrongs {
				return list[:mostWrongs]
			}
		}
		return list
	}
	path := pathOf(e.InstanceLocation)
	if r, ok := e.ErrorKind.(*kind.Required); ok {
		var list []broken
		for _, name := range r.Missing {
			list = append(list, broken{path: strings.TrimPrefix(path+"."+name, "."), why: "is required"})
		}
		return list
	}
	return []broken{{path: path, why: wrong(e.ErrorKind)}}
}

func wrong(k jsonschema.ErrorKind) string {
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
		return fmt.Sprintf("has %d entries, at most %d are taken", k.Got, k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, at least %d are needed", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, at most %d are taken", k.Got, k.Want)
	case *kind.UniqueItems:
		return "has the same entry twice"
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		return "fits none of the forms that are allowed, or one that is not"
	case *kind.ExclusiveMinimum, *kind.ExclusiveMaximum, *kind.MultipleOf:
		return "is out of bounds"
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}
