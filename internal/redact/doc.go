// Package redact is the only place that decides what is secret, and the only
// one that takes secrets out of what the programs show, write or store. Each
// output passes all three ways in which it works:
//
//   - by structure: [Redactor.Object] hides what stands below the names of
//     secrets, what Secrets hold, and literal values of environment variables
//     and arguments unless they are known to be harmless;
//   - by shape: [Redactor.Text] hides the same in texts of any kind, and also
//     private keys, tokens, logins in URLs and command lines, and long random
//     words;
//   - by value: a [Redactor] that was told a secret ([Redactor.AddValue],
//     [Redactor.AddSecret], [Redactor.AddObject]) hides it wherever it appears,
//     also in other notations, other case, backwards, cut off or wrapped.
//
// Where to look, by what is asked:
//
//	which names are secret                  words.go (lists), names.go (rules)
//	which variables and flags are harmless  harmless.go (lists), env.go, args.go (rules)
//	how values are found in objects         object.go; in JSON within texts: json.go
//	how values are found in texts           text.go (order), find.go (names), assign.go (extent)
//	which notations give a secret away      shapes.go (list), urls.go, random.go
//	how known values are found              forms.go (notations), matcher.go (search)
//
// Sentences about secrets ("credentials: unchanged", "token: 401 Unauthorized")
// and digests stay readable. A new case begins with a line in testdata:
// hidden.txt, readable.txt, secret-names.txt or plain-names.txt.
//
// It reads and writes nothing by itself. Time is proportional to the text.
package redact
