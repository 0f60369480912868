// Package verb has the verbs, one file each: an options struct that embeds groups of
// flags, a constructor that sets their defaults, and run. More files with the
// verb's name in front hold the parts of a big one.
//
// It imports packages term, option, display and workflow; nothing but the plugins'
// roots imports it. Verbs hold no logic that another program would need.
package verb
