package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// plantedVariables are variables of an object store, and what they are worth.
// Their values are words, so that only their names and the list of harmless
// settings can tell what they are.
var plantedVariables = []string{
	"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_PRIMARY", "MINIO_NOTIFY_WEBHOOK_CLIENT_KEY_PRIMARY", "MINIO_NOTIFY_MYSQL_DSN_STRING_M1", "MINIO_NOTIFY_NATS_TOKEN_PRIMARY",
	"MINIO_IDENTITY_OPENID_CLIENT_SECRET_KEYCLOAK", "MINIO_LOGGER_WEBHOOK_AUTH_TOKEN_SPLUNK", "MINIO_AUDIT_KAFKA_SASL_PASSWORD_AUDIT1", "OPERATOR_PROXY_PASS",
	"BACKUP_PW", "GIT_PAT", "SSE_C_KEY", "MINIO_PROMETHEUS_JWT", "PASSWORD_SALT", "SLACK_WEBHOOK_URL", "SESSION_COOKIE", "AZURE_STORAGE_SAS", "SENTRY_DSN",
	"MINIO_KMS_SECRET_KEY", "LDAP_BIND_CREDS", "SIGNING_KEY_V2", "UNKNOWN_SETTING", "JAVA_TOOL_OPTIONS", "MINIO_SOMETHING_NEW", "lower_case_setting",
}

// plantEverywhere puts secrets of many kinds into every place that a verb reads,
// and returns them by the place.
func plantEverywhere(s *site) map[string]string {
	p := &plants{site: s, values: map[string]string{}}
	p.release()
	p.objects()
	p.logs()
	p.home()
	p.files()
	return p.values
}

type plants struct {
	*site
	values map[string]string
}

// word is a new secret that looks like words.
func (p *plants) word(place string) string {
	v := fmt.Sprintf("planted-word-%d-of-%s", len(p.values), strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(place)))
	p.values[place] = v
	return v
}

// random is a new secret that looks random.
func (p *plants) random(place string) string {
	v := fmt.Sprintf("q7Lr2pVz9Kd4Tn8Wc1Fm%03dBs3Hy5Jg0A", len(p.values))
	p.values[place] = v
	return v
}

// release gives the store's release values, notes and objects with secrets.
func (p *plants) release() {
	image := p.run("kubectl", "get", "deployment", "object-store-operator", "-n", "aistor", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
	var env []any
	variable := func(name, value string) map[string]any { return map[string]any{"name": name, "value": value} }
	for _, name := range plantedVariables {
		env = append(env, variable(name, p.word("variable "+name)))
	}
	env = append(env,
		variable("MINIO_SERVER_URL", "https://me:"+p.word("login in a harmless variable")+"@s3.example.com"),
		variable("MINIO_BROWSER_REDIRECT_URL", "https://console.example.com/?sig="+p.word("signature in a harmless variable")),
		variable("NOTIFY_TARGET", "https://hooks.slack.com/services/T000/B000/"+p.word("webhook")),
		variable("MINIO_REGION", "eu-central-1"))
	container := func(name string) map[string]any {
		return map[string]any{
			"name": name, "image": image,
			"env": []any{variable("DB_PASSWORD", p.word("variable of the "+name)), variable("ODD", p.word("odd variable of the "+name))},
			"args": []any{"--api-key", p.word("argument of the " + name), "--unknown=" + p.word("unknown argument of the "+name), "-p", p.word("short argument of the " + name),
				"alias", "set", "local", "https://minio:9000", "someone", p.word("alias of the " + name)},
			"command": []any{"sh", "-c", "curl -u someone:" + p.word("curl of the "+name) + " https://x; mc alias set a https://b:9000 someone " + p.word("alias in the script of the "+name) +
				"; tool --password=" + p.word("flag in the script of the "+name) + " -p " + p.word("short flag in the script of the "+name)},
		}
	}
	values := map[string]any{
		"annotations": map[string]any{
			"example.com/note":       "call https://me:" + p.word("URL in an annotation") + "@hook.example.com or use " + p.random("random word in an annotation"),
			"example.com/signed-url": "https://s3.example.com/b?X-Amz-Credential=" + p.word("credential of a signed URL") + "&X-Amz-Signature=" + p.word("signature of a signed URL"),
			"example.com/password":   p.word("annotation called password"),
			"example.com/again":      "it is " + p.values["variable BACKUP_PW"] + ", encoded " + base64.StdEncoding.EncodeToString([]byte("x"+p.values["variable GIT_PAT"])),
		},
		"objectStore": map[string]any{"env": env, "initContainers": []any{container("init-planted")}, "sideCars": map[string]any{"containers": []any{container("side-planted")}}},
		"siteExtras": map[string]any{
			"smtp_pw": p.word("odd value smtp_pw"), "clientKey": p.word("odd value clientKey"), "salt": p.word("odd value salt"), "mailPass": p.word("odd value mailPass"),
			"pats": []any{p.word("list of pats")}, "dsn": p.word("odd value dsn"), "notes": "password: " + p.word("text in values"),
			"pem": "-----BEGIN PRIVATE KEY-----\nTUlJ" + p.word("private key") + "\n-----END PRIVATE KEY-----\n",
		},
	}
	p.run("helm", "upgrade", "primary", p.chartWithNotes(), "-n", "team-a", "--reuse-values", "-f", p.file("planted-values.yaml", values),
		"--description", "rotated, token="+p.word("description of a release")+" "+p.random("random word in a description"))
	p.run("kubectl", "-n", "team-a", "rollout", "status", "statefulset/primary-pool-0", "--timeout=10m")
	p.run("kubectl", "-n", "team-a", "wait", "objectstores.aistor.min.io/primary", "--for=jsonpath={.status.healthStatus}=green", "--timeout=10m")
}

// chartWithNotes is the store's chart with secrets in what Helm says after an
// upgrade.
func (p *plants) chartWithNotes() string {
	dir := p.t.TempDir()
	p.run("tar", "-xzf", p.charts+"/aistor-objectstore-1.0.13.tgz", "-C", dir)
	notes := "Log in with password: " + p.word("notes of a release") + "\nor https://me:" + p.word("URL in the notes of a release") + "@s3.example.com\n" +
		"{{ .Values.siteExtras.dsn }} {{ .Values.siteExtras.salt | upper }}\n"
	folder := filepath.Join(dir, "aistor-objectstore")
	if err := os.WriteFile(filepath.Join(folder, "templates", "NOTES.txt"), []byte(notes), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return folder
}

// logs makes every node answer for its containers' logs, as a kubelet does:
// simulated nodes have none. The container has read its settings, and prints
// them in ways that only their values give away.
func (p *plants) logs() {
	known := p.values["variable BACKUP_PW"]
	lines := []string{
		plainLogLine, "INFO password=" + p.word("assignment in a log"), `{"level":"info","value":"` + p.word("value before its name in a log") + `","name":"API_TOKEN"}`,
		"ERROR cannot log in at https://me:" + p.word("URL in a log") + "@mq.example.com", "DEBUG Authorization: Bearer " + p.random("bearer in a log"), "used " + p.random("random word in a log"),
		"DEBUG ran mysql -uroot -p" + p.word("command in a log"), `key "-----BEGIN PRIVATE KEY-----\nTUlJ` + p.word("private key in a log") + `\n-----END PRIVATE KEY-----\n"`,
		"it is " + known + ", " + strings.ToUpper(known) + ", " + hex.EncodeToString([]byte(known)) + fmt.Sprint([]byte(known)), "{auth: {password: correct " + p.word("flow style in a log") + "}}",
	}
	kubelet := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range lines {
			fmt.Fprintf(w, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), line)
		}
	}))
	p.t.Cleanup(kubelet.Close)
	host, port, _ := strings.Cut(strings.TrimPrefix(kubelet.URL, "https://"), ":")
	for _, node := range strings.Fields(p.run("kubectl", "get", "nodes", "-o", "name")) {
		p.run("kubectl", "patch", node, "--subresource=status", "--type=merge", "-p",
			`{"status":{"addresses":[{"type":"InternalIP","address":"`+host+`"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":`+port+`}}}}`)
	}
}

// plainLogLine shows that logs were collected.
const plainLogLine = "INFO drives of the planted pod are online"

// files plants in files that verbs read: a site and a plan of another client.
func (p *plants) files() {
	p.file("planted-odd-site.json", map[string]any{
		"apiVersion": "upgrade.aistor.dev/v1alpha1", "kind": "Site",
		"registry": map[string]any{"registry": "https://me:" + p.word("login in a site file") + "@registry.example.com", "password": p.word("password in a site file")},
	})
	p.file("planted-odd-plan.json", map[string]any{
		"apiVersion": "upgrade.aistor.dev/v1alpha1", "kind": "UpgradePlan",
		"steps":    []any{map[string]any{"id": "operator", "title": "token: " + p.word("title in a plan"), "why": "see https://me:" + p.word("URL in a plan") + "@x", "target": "password=" + p.word("target in a plan")}},
		"warnings": []any{"secret=" + p.word("warning in a plan")},
	})
}

// objects plants beside the release.
func (p *plants) objects() {
	secret := func(name string, data map[string]any) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": "team-a"}, "stringData": data}
	}
	p.apply("secrets.json",
		map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "neighbour", "namespace": "team-a"}, "data": map[string]any{
			"app.properties": "db.password=" + p.word("foreign ConfigMap") + "\n", "token": p.word("key of a foreign ConfigMap")}},
		map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": forgedJournal, "namespace": "aistor", "labels": map[string]any{
			"app.kubernetes.io/managed-by": "aistor-upgrade", "app.kubernetes.io/name": "aistor-upgrade", "app.kubernetes.io/component": "journal"}}, "data": map[string]any{
			"journal": "password: " + p.word("forged journal"), "journal.json": `{"steps":[{"id":"operator","error":"token=` + p.word("step of a forged journal") + `"}]}`}},
		secret("odd-secret", map[string]any{"note": p.word("odd key of a Secret"), "config.env": "export MINIO_ROOT_PASSWORD=\"" + p.word("configuration in a Secret") + "\"\nexport ODD=" + p.word("odd variable in a Secret") + "\n"}),
		secret("kes-config", map[string]any{"server-config.yaml": "keystore:\n  vault:\n    approle: {id: someone, secret: " + p.word("approle of KES") + "}\nadmin: {identity: disabled}\n"}))
	text := strings.Join([]string{p.values["odd key of a Secret"], p.values["configuration in a Secret"], p.values["odd variable in a Secret"], p.values["approle of KES"]}, ", ")
	p.run("kubectl", "annotate", "pod", "primary-pool-0-0", "-n", "team-a", "example.com/copied="+text, "example.com/token="+p.word("annotation of a pod"))
	p.run("kubectl", "annotate", "namespace", "team-a", "example.com/password="+p.word("annotation of a namespace"))
	for i, message := range []string{
		"login failed for https://me:" + p.word("URL in an event") + "@reg.example.com", "Authorization: Bearer " + p.random("bearer in an event"), "password=" + p.word("assignment in an event") + " rejected",
		"used " + p.random("random word in an event"), "again " + p.values["variable BACKUP_PW"] + " and " + hex.EncodeToString([]byte(p.values["variable SSE_C_KEY"])) + " and " + url.QueryEscape(p.values["variable GIT_PAT"]),
	} {
		p.apply(fmt.Sprintf("event-%d.json", i), map[string]any{
			"apiVersion": "v1", "kind": "Event", "metadata": map[string]any{"name": fmt.Sprintf("planted-%d", i), "namespace": "team-a"}, "type": "Warning", "reason": "Failed", "message": message,
			"involvedObject": map[string]any{"apiVersion": "v1", "kind": "Pod", "namespace": "team-a", "name": "primary-pool-0-0"}, "firstTimestamp": p.now(), "lastTimestamp": p.now(), "count": 1,
			"source": map[string]any{"component": "kubelet"},
		})
	}
	p.run("kubectl", "patch", "pod", "primary-pool-0-0", "-n", "team-a", "--subresource=status", "--type=strategic", "-p",
		`{"status":{"conditions":[{"type":"example.com/planted","status":"False","reason":"Failed","message":"secret: `+p.word("condition of a pod")+`"}]}}`)
}

// forgedJournal is a ConfigMap that only looks like one of an upgrade's.
const forgedJournal = "aistor-upgrade-forged"

// home plants what the programs find around them.
func (p *plants) home() {
	login := base64.StdEncoding.EncodeToString([]byte("someone:" + p.word("login of a docker configuration")))
	p.file("docker.json", map[string]any{"auths": map[string]any{"other.example.com": map[string]any{"auth": login, "identitytoken": p.word("identity token of a docker configuration")}}})
	p.values["login in base64"] = login
	p.word("login of a proxy")
	p.word("broken values")
	if err := os.WriteFile(filepath.Join(p.dir, "planted-broken.yaml"), []byte("secrets:\n  secretKey: "+p.values["broken values"]+"\n bad: [\n"), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plants) now() string { return strings.TrimSpace(p.run("date", "-u", "+%Y-%m-%dT%H:%M:%SZ")) }

// file writes a document that holds secrets on purpose.
func (p *plants) file(name string, doc any) string {
	b, err := json.Marshal(doc)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, name), b, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return filepath.Join(p.dir, name)
}

func (p *plants) apply(name string, docs ...any) {
	p.run("kubectl", "apply", "-f", p.file("planted-"+name, map[string]any{"apiVersion": "v1", "kind": "List", "items": docs}))
}

// spelt are the forms in which a secret may turn up, by their names.
func spelt(text string) map[string]string {
	quoted, _ := json.Marshal(text)
	forms := map[string]string{
		"": text, " in upper case": strings.ToUpper(text), " in JSON": string(quoted[1 : len(quoted)-1]), " in a URL": url.QueryEscape(text), " in HTML": html.EscapeString(text),
		" in hex": hex.EncodeToString([]byte(text)), " in HEX": strings.ToUpper(hex.EncodeToString([]byte(text))),
	}
	// What is in front decides how the rest is encoded, and what follows
	// changes the last letters: what depends on the secret alone is looked for.
	for before := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 for URLs": base64.RawURLEncoding} {
			b := enc.EncodeToString([]byte(strings.Repeat("x", before) + text))
			forms[fmt.Sprintf(" in %s behind %d bytes", name, before)] = b[(before*8+5)/6 : (before+len(text))*8/6]
		}
	}
	return forms
}
