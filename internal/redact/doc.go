// Package redact is the only place that decides what is secret, and the only
// one that takes secrets out of what the programs show, write or store.
//
// It works in three ways, each of which every output passes:
//
//   - by structure: [Redactor.Object] hides what stands below the names of
//     secrets, in the data of Secrets, and literal values of environment
//     variables and arguments unless they are known to be harmless;
//   - by shape: [Redactor.Text] hides assignments to such names, private keys,
//     tokens, logins in URLs and long random words in texts of any kind;
//   - by value: a [Redactor] that was told a secret ([Redactor.AddValue],
//     [Redactor.AddSecret], [Redactor.AddObject]) hides it wherever it appears,
//     also in base64, hex, URL, JSON, HTML and shell notation.
//
// It reads and writes nothing by itself, and imports none of the other packages.
package redact
