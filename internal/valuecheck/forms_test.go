package valuecheck

import "testing"

func TestWholeFormsAreRecognized(t *testing.T) {
	t.Parallel()
	for want, texts := range map[Kind][]string{
		Encrypted: {
			"ENC[AES256_GCM,data:cGxhbnRlZA==,iv:aXYx,tag:dGFnMQ==,type:str]",
			"ENC[PKCS7,MIIBeQYJKoZIhvcNAQcDoIIBajCCAWYCAQAx]", "ENC(nrmZtkF7T0kjG/VodDvBw93Ct8EgjCA+)",
			"$ANSIBLE_VAULT;1.1;AES256\n6638643965", "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----",
			"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----", "age-encryption.org/v1\n-> X25519 x",
			"U2FsdGVkX1+vupppZksvRf5pq5g5XjFRIipRkwB0K1Y=", "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf",
			"\x00GITCRYPT\x00abc", "EJ[1:WGj2t4znULHT1IRveMEdvvNXqZzNBNMsJ5iZVy6Dvxs=:kA6ekF8ViYR5:F4rB]",
		},
		Reference: {
			"ref+vault://secret/data/minio#/user", "secretref+awssecrets://foo/bar", "secrets+gpg-import:///key.asc?values.yaml", "!ref vault://x",
			"<path:secret/data/minio#user>", "vault:secret/data/minio#ROOT_USER", ">>vault:secret/data/minio#ROOT_USER", "${vault:secret/data/minio#user}",
			"op://prod/minio/password", "awssm://minio/root", "gcpsm://p/s", "arn:aws:secretsmanager:eu-central-1:1:secret:minio-AbCdEf",
			"projects/123/secrets/minio/versions/latest", "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/y)", "azurekeyvault://kv/s", "secret://x",
		},
		Expression: {
			"${ROOT_USER}", "${ROOT_USER:-minio}", "${A}-${B}", "${A:-${B}}", "$${A}", "${{ secrets.ROOT }}", "$ROOT_PASSWORD", "%ROOT_USER%", "%%user%%", "%{user}", "%(user)s",
			"@@ROOT_USER@@", "@root.user@", "__ROOT_USER__", "#{RootUser}#", "{{ .Values.rootUser }}", "{{ root_user }}", "{{resolve:secretsmanager:x}}",
			"{% raw %}", "<%= user %>", "((root-user))", "[[ .user ]]", "<your-password>", "<ACCESS KEY>", "{ROOT_USER}", "  ${ROOT_USER}\n",
		},
		Variable: {"$(ROOT_USER)", "$(Secrets.RootUser)"},
		Masked:   {"[redacted]", "<REDACTED>", "***", "**REDACTED**", "(hidden)", "REDACTED"},
		FillIn: {
			"CHANGEME", "changeme", "change-me", "ChangeMe123", "please_change_me", "REPLACE_ME", "replace-with-real-secret", "TODO", "tbd", "xxxx",
			"your-secret-key", "YOUR_PASSWORD_HERE", "insert password here", "placeholder",
		},
		// What random generators and people really choose.
		None: {
			"", "minio", "a${b}c", "pa$$w0rd", "$ecret", "$2y$10$abcdefghijklmnopqrstuv", "{SSHA}Zm9v", "50%OFF%", "a<b>c", "<", "<3minio", "%41%42", "@home",
			"x${", "}{", "{{", "__init", "tod0", "Xx", "ENC", "ENC[", "correct horse battery staple", "Change is good", "vaultkeeper", "vault:", "op:x", "s3cr3t#key",
			"https://example.com/#x", "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.e30.sig", "minio123", "(secret)", "$x", "AKIAIOSFODNN7EXAMPLE", "1234567890", "my-secret-key",
			"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "**", "p@ss@word", "100%", "user@@host", "a__b__c", "{a:1}",
		},
	} {
		for _, text := range texts {
			if got := newRecognizer().recognize(text); got.Kind != want {
				t.Errorf("%q is %d (%s), want %d", text, got.Kind, got.Name, want)
			}
		}
	}
}

func TestNamesAndHostsHoldNoExpressionAnywhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"registry.${DOMAIN}:5000": true, "{{ registry }}/aistor": true, "registry.$(ENV).example": true, "minio:%TAG%": true, "<registry>/x": true,
		"registry.@@ENV@@.example": true, "__REGISTRY__/aistor": true, "registry.$DOMAIN": true,
		"registry.example.com:5000": false, "aistor/": false, "minio:RELEASE.2026-06-06T02-44-06Z": false, "my__repo__x": false, "a@sha256:0123": false,
	} {
		if got := newRecognizer().within(text).Kind != None; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
