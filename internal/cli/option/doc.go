// Package option has the groups of flags that verbs share, such as those for
// registries, charts, output and the cluster. A group registers its flags with
// AddFlags, checks them with Validate, and makes what they describe.
//
// It imports package term, and no package that prints results or carries anything
// out. A verb embeds the groups whose flags mean something for it, and no others.
package option
