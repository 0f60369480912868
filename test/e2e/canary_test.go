package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Secrets that are known to be there are found in no output of any verb at any
// verbosity, in no file that the verbs write, in no object that they write,
// and in no process's arguments. Of each verb that a plugin lists there must
// be a run.
func TestSecretsAppearNowhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.8.0", "--store", "1.0.13", "team-a/primary=4")
	s.run("aistor-fixtures", "push", "--registry", s.env["UPSTREAM_REGISTRY"], "--plain-http", "--only", "5.10.0")
	planted := "secrets:\n  accessKey: planted-access-key\n  secretKey: planted-secret-key\n"
	if err := os.WriteFile(filepath.Join(s.dir, "planted.yaml"), []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	// What is looked for can be found: here it lies, as it is in a Secret.
	secrets := s.run("kubectl", "get", "secrets", "-A", "-o", "yaml")
	plain := plant(s)
	if !strings.Contains(secrets, base64.StdEncoding.EncodeToString([]byte(plain["license"]))[:40]) {
		t.Fatal("the license is not planted")
	}
	for place, text := range plantEverywhere(s) {
		plain[place] = text
	}
	if len(plain) < 100 {
		t.Fatalf("only %d secrets are planted", len(plain))
	}
	c := &canaries{site: s, secrets: map[string]string{}, plain: plain, ran: map[string]bool{}}
	for place, text := range plain {
		for form, spelt := range spelt(text) {
			c.secrets[place+form] = spelt
		}
	}
	c.proxy = "http://someone:" + plain["login of a proxy"] + "@127.0.0.1:9"
	end := c.watchArguments()
	c.everyVerb()
	end()
	if _, err := os.Stat(filepath.Join(s.dir, "commits", "README.md")); err != nil {
		t.Errorf("no commits were there to look into: %v", err)
	}
	c.everyFile()
	for _, what := range []string{"configmaps", "leases.coordination.k8s.io", "events", "pods"} {
		c.clean("the "+what+" of the cluster", []byte(c.run("kubectl", "get", what, "-A", "-l", "app.kubernetes.io/managed-by=aistor-upgrade", "--field-selector", "metadata.name!="+forgedJournal, "-o", "yaml")))
	}
	c.everyVerbRan()
}

// plant gives the secrets that every site has, each with a name.
func plant(s *site) map[string]string {
	read := func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	license := s.run("kubectl", "get", "secret", "minio-license", "-n", "aistor", "-o", `jsonpath={.data.minio\.license}`)
	raw, err := base64.StdEncoding.DecodeString(license)
	if err != nil || len(raw) < 40 {
		s.t.Fatalf("there is no license: %q %v", license, err)
	}
	token := regexp.MustCompile(`token: (\S+)`).FindStringSubmatch(read(s.env["KUBECONFIG"]))
	if token == nil {
		s.t.Fatal("the kubeconfig has no token")
	}
	password := read(s.env["PRIVATE_PASSWORD_FILE"])
	plain := map[string]string{
		"license": strings.TrimSpace(string(raw)), "registry password": password, "wrong password": wrongPassword,
		"root user": "planted-access-key", "root password": "planted-secret-key", "token": token[1],
		"registry login": s.env["PRIVATE_USER"] + ":" + password,
	}
	plain["signature of the license"] = plain["license"][strings.LastIndexByte(plain["license"], '.'):]
	for name, text := range plain {
		if len(text) < 8 {
			s.t.Fatalf("the %s %q is too short to look for", name, text)
		}
	}
	return plain
}

const wrongPassword = "planted-wrong-password"

// canaries looks for secrets in whatever a site's verbs leave.
type canaries struct {
	*site
	secrets map[string]string
	// plain are the secrets themselves, by their places.
	plain map[string]string
	ran   map[string]bool
	// logs says that logs of pods were found in what was collected.
	logs bool
	// proxy is an address with a login, at which nobody listens.
	proxy string
}

// gzipped begins data that is compressed.
var gzipped = []byte("\x1f\x8b\x08")

// packed is data that was compressed before it was encoded.
var packed = regexp.MustCompile(`H4sI[A-Za-z0-9+/]{20,}={0,2}`)

// clean demands that none of the secrets is in b, nor in what b has packed in it.
func (c *canaries) clean(what string, b []byte) {
	c.t.Helper()
	for _, text := range packed.FindAll(b, 20) {
		if inner, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
			if r, err := gzip.NewReader(bytes.NewReader(inner)); err == nil {
				plain, _ := io.ReadAll(r)
				c.clean(what+", unpacked", plain)
			}
		}
	}
	if i := bytes.Index(b, gzipped); i >= 0 {
		if r, err := gzip.NewReader(bytes.NewReader(b[i:])); err == nil {
			plain, _ := io.ReadAll(r)
			c.clean(what+", unpacked", plain)
		}
	}
	for name, text := range c.secrets {
		if i := bytes.Index(b, []byte(text)); i >= 0 {
			c.t.Errorf("%s shows the %s: …%q…", what, name, b[max(0, i-80):min(len(b), i+len(text)+20)])
		}
	}
}

// verb runs a plugin, at the highest verbosity that Helm knows, and checks
// all it says. What it says at the end of a failure counts as much.
func (c *canaries) verb(password, line string) {
	c.t.Helper()
	words := strings.Fields(strings.NewReplacer(
		"UPSTREAM", c.env["UPSTREAM_REGISTRY"], "CHARTS", c.charts, "PRIVATE", c.env["PRIVATE_REGISTRY"], " PROXY", "",
		"LOGIN", "--ca "+c.env["PRIVATE_CA"]+" --registry-user "+c.env["PRIVATE_USER"]+" --password-stdin",
	).Replace(line))
	cmd := c.command(words[0], words[1:]...)
	cmd.Env = append(cmd.Env, "HELM_DEBUG=true", "HELM_NAMESPACE=aistor", "TMPDIR="+c.dir, "HOME="+c.dir)
	if strings.Contains(line, "PROXY") {
		cmd.Env = append(cmd.Env, "HTTPS_PROXY="+c.proxy, "HTTP_PROXY="+c.proxy)
	}
	cmd.Stdin = strings.NewReader(password + "\n")
	out, err := cmd.CombinedOutput()
	c.t.Logf("%s: %v, %d bytes", line, err, len(out))
	if err != nil && len(out) < 400 {
		c.t.Logf("%s", out)
	}
	if len(out) == 0 {
		c.t.Errorf("%s says nothing at all", line)
	}
	if strings.HasPrefix(line, "helm-aistor upgrade") && password != wrongPassword && err != nil {
		c.t.Errorf("%s: %v\n%s", line, err, out) // nothing of the steps was looked into
	}
	c.clean(line, out)
	for i := range words {
		c.ran[strings.Join(words[:i+1], " ")] = true
	}
}

// everyVerb runs what an administrator runs, and what goes wrong beside it.
func (c *canaries) everyVerb() {
	right, err := os.ReadFile(c.env["PRIVATE_PASSWORD_FILE"])
	if err != nil {
		c.t.Fatal(err)
	}
	password := strings.TrimSpace(string(right))
	const from = " --platform linux/amd64 --from 5.8.0 --chart CHARTS/aistor-operator-5.10.0.tgz --chart CHARTS/aistor-objectstore-1.0.16.tgz" +
		" --mirror quay.io=UPSTREAM/quay.io --registry-plain-http UPSTREAM"
	for _, run := range []struct{ password, line string }{
		{"", "kubectl-aistor_upgrade export"},
		{"", "helm-aistor bundle create a.bundle" + from},
		{"", "helm-aistor bundle create wide.bundle --values planted.yaml" + from},
		{"", "helm-aistor bundle inspect a.bundle -o yaml"},
		{"", "helm-aistor bundle verify a.bundle"},
		{"", "helm-aistor bundle split a.bundle --part-size 2MB --out parts"},
		{"", "helm-aistor bundle export a.bundle operator --out operator.tar"},
		{"", "helm-aistor bundle sign a.bundle --key none"},
		{wrongPassword, "helm-aistor push a.bundle --registry PRIVATE LOGIN"},
		{wrongPassword, "helm-aistor upgrade --yes --bundle a.bundle LOGIN"},
		{wrongPassword, "helm-aistor copy --registry PRIVATE LOGIN" + from},
		{"", "helm-aistor values --operator --bundle a.bundle"},
		{"", "helm-aistor values --operator --bundle a.bundle --explain"},
		{"", "helm-aistor values --object-store team-a/primary --bundle a.bundle --registry other.example"},
		{"", "helm-aistor plan --bundle a.bundle --accept-downtime team-a/primary --out plan.yaml"},
		{"", "helm-aistor plan --bundle a.bundle -o json"},
		{"", "helm-aistor plan --bundle a.bundle --diff"},
		{"", "helm-aistor plan --bundle a.bundle -o roles"},
		{password, "helm-aistor plan --bundle a.bundle --accept-downtime team-a/primary --gitops commits --gitops-tool flux LOGIN"},
		{password, "helm-aistor push a.bundle --registry PRIVATE LOGIN --receipt receipt.json"},
		{password, "helm-aistor copy --registry PRIVATE LOGIN" + from},
		{password, "kubectl-aistor_upgrade preflight --bundle a.bundle LOGIN"},
		{password, "kubectl-aistor_upgrade preflight --bundle a.bundle -o json LOGIN"},
		{"", "kubectl-aistor_upgrade preflight --bundle a.bundle --token planted-wrong-password"},
		{password, "helm-aistor upgrade --yes --bundle a.bundle --waive bundle-complete=planted --accept-downtime team-a/primary --report report.html --report report.json LOGIN"},
		{password, "helm-aistor rollback --dry-run"},
		{password, "kubectl-aistor_upgrade validate LOGIN"},
		{"", "kubectl-aistor_upgrade validate -o json"},
		{password, "kubectl-aistor_upgrade images LOGIN"},
		{"", "kubectl-aistor_upgrade collect collected.tar.gz"},
		{"", "kubectl-aistor_upgrade status"},
		{"", "kubectl-aistor_upgrade status -o yaml"},
		{password, "helm-aistor rollback --yes --accept-risk team-a/primary --accept-downtime team-a/primary LOGIN"},
		{"", "kubectl-aistor_upgrade preflight -o junit"},
		{"", "kubectl-aistor_upgrade validate -o yaml"},
		{"", "kubectl-aistor_upgrade images -o json"},
		{"", "kubectl-aistor_upgrade status -o json"},
		{"", "kubectl-aistor_upgrade status -o jsonpath={.objectStores}"},
		{"", "helm-aistor plan --bundle a.bundle -o yaml"},
		{"", "helm-aistor plan --bundle a.bundle --diff -o json"},
		{"", "helm-aistor plan --bundle a.bundle --gitops for-argo --gitops-tool argocd"},
		{"", "helm-aistor values --object-store team-a/primary --bundle a.bundle -o json --registry other.example"},
		{"", "helm-aistor values --object-store team-a/primary --bundle a.bundle --explain"},
		{"", "helm-aistor values --object-store team-a/primary --bundle a.bundle --values planted-broken.yaml"},
		{"", "helm-aistor plan --bundle a.bundle --store-values team-a/primary=planted-broken.yaml"},
		{"", "helm-aistor plan --bundle a.bundle --store-values team-a/primary=planted-values.yaml --diff"},
		{"", "helm-aistor bundle create proxied.bundle --platform linux/amd64 --from 5.8.0 PROXY"},
		{"", "helm-aistor bundle create other.bundle --platform linux/amd64 --repo https://me:" + wrongPassword + "@127.0.0.1:9/charts --from 5.8.0"},
		{"", "kubectl-aistor_upgrade images --registry-config docker.json"},
		{"", "kubectl-aistor_upgrade completion kubectl"},
		{"", "kubectl-aistor_upgrade options"},
		{"", "helm-aistor options"},
		{"", "kubectl-aistor_upgrade version"},
		{"", "helm-aistor version"},
	} {
		c.verb(run.password, run.line)
	}
	c.tamperedFiles()
}

// tamperedFiles runs what reads a site and a plan file of another client.
func (c *canaries) tamperedFiles() {
	for _, name := range []string{"odd-site.json", "odd-plan.json"} {
		c.verb("", "helm-aistor plan --bundle a.bundle --site planted-"+name)
		c.verb("", "kubectl-aistor_upgrade preflight --bundle a.bundle --plan planted-"+name)
	}
	b, err := os.ReadFile(filepath.Join(c.dir, "plan.yaml"))
	if err != nil {
		c.t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^( +why: ).*`).ReplaceAllString(string(b), "${1}'see https://me:"+c.plain["URL in a plan"]+"@x, password="+c.plain["target in a plan"]+"'")
	if text == string(b) {
		c.t.Error("nothing of the plan was changed")
	}
	site := c.run("kubectl-aistor_upgrade", "export") + "# password: " + c.plain["password in a site file"] + "\n"
	for name, text := range map[string]string{"planted-plan.yaml": text, "planted-site.yaml": site} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	c.verb("", "kubectl-aistor_upgrade preflight --bundle a.bundle --plan planted-plan.yaml --accept-downtime team-a/primary")
	c.verb(wrongPassword, "helm-aistor upgrade --yes --bundle a.bundle --plan planted-plan.yaml --accept-downtime team-a/primary LOGIN")
	c.verb("", "helm-aistor plan --bundle a.bundle --site planted-site.yaml --registry https://me:"+wrongPassword+"@registry.example.com")
	c.verb("", "kubectl-aistor_upgrade preflight --bundle a.bundle --site planted-site.yaml")
}

// everyVerbRan holds the runs against what the plugins' help lists.
func (c *canaries) everyVerbRan() {
	for _, program := range []string{"helm-aistor", "kubectl-aistor_upgrade", "helm-aistor bundle"} {
		words := append(strings.Fields(program), "--help")
		help := c.run(words[0], words[1:]...)
		_, list, _ := strings.Cut(help, "\nCommands:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		for _, l := range strings.Split(list, "\n") {
			name := strings.Fields(l)
			if len(name) > 0 && !c.ran[program+" "+name[0]] {
				c.t.Errorf("no secret was looked for in what %q %q says", program, name[0])
			}
		}
	}
}

// everyFile looks into whatever lies in the site's directory, which is also where
// the verbs' temporary files are.
func (c *canaries) everyFile() {
	seen := 0
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == filepath.Join(c.dir, ".lab") {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		if !d.Type().IsRegular() || strings.HasPrefix(d.Name(), "planted") || d.Name() == "docker.json" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".gz") {
			b = unpacked(c.t, b)
		}
		c.logs = c.logs || d.Name() == "collected.tar.gz" && bytes.Contains(b, []byte(plainLogLine))
		seen++
		c.clean("the file "+path, b)
		return nil
	})
	if !c.logs {
		c.t.Error("no log of a pod was collected, so that none was looked into")
	}
	if err != nil || seen < 8 {
		c.t.Errorf("looked into %d files, error %v", seen, err)
	}
}

func unpacked(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// watchArguments checks the arguments of every process whose environment names
// this site's directory, as those of the plugins and of what they start do, again
// and again until the end. Other tests run beside this one.
func (c *canaries) watchArguments() (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	var found []string
	checked := 0
	go func() {
		defer close(done)
		for {
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, file := range lines {
				b, _ := os.ReadFile(file)
				if env, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ")); !bytes.Contains(env, []byte(c.dir)) {
					continue
				}
				checked++
				for name, text := range c.secrets {
					// One run names its wrong token itself, to see what becomes of it.
					if bytes.Contains(b, []byte(text)) && !strings.HasPrefix(name, "wrong password") {
						found = append(found, fmt.Sprintf("%s in %q", name, b))
					}
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(stop)
		<-done
		if checked < 100 {
			c.t.Errorf("the arguments of %d processes were read", checked)
		}
		slices.Sort(found)
		for _, f := range slices.Compact(found) {
			c.t.Errorf("a process's arguments show the %s", f)
		}
	}
}
