package redact

import "regexp"

// setting are environment variables whose meaning is documented and never
// secret.
type setting struct {
	// form is what their values look like; another value is hidden. Nil stands
	// for any form.
	form *regexp.Regexp
	// names may end in *, for all variables that begin so.
	names []string
}

// The lists are constants in all but name: Go has none of this type.
var (
	// harmlessSettings are environment variables that everybody may see.
	harmlessSettings = []setting{
		{settingValue, []string{"DEBUG", "VERBOSE", "LOG_LEVEL", "LOGLEVEL", "LOG_FORMAT", "LOG_JSON", "GOTRACEBACK", "GOMAXPROCS", "GOMEMLIMIT", "GOGC"}},
		{regexp.MustCompile(`^(?:[a-z0-9]+=[a-z]?[0-9]+,?)+$`), []string{"GODEBUG"}},
		{regexp.MustCompile(`^(?:(?:C|POSIX|[a-z]{2}(?:_[A-Z]{2})?)(?:\.[Uu][Tt][Ff]-?8)?(?:@[a-z]+)?:?)+$`), []string{"LC_*", "LANG", "LANGUAGE"}},
		{regexp.MustCompile(`^:?[A-Z][A-Za-z_]*[0-9+-]*(?:/[A-Za-z0-9_+-]+)*$`), []string{"TZ"}},
		{regexp.MustCompile(`^(?:/|\$[A-Z{])[A-Za-z0-9._/:${}-]*$`), []string{"HOME", "PATH", "PWD", "OLDPWD", "SHELL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}},
		{regexp.MustCompile(`^(?:(?:tcp|udp)(?:://[0-9a-f.:]+)?|[0-9.]+)$`), []string{"KUBERNETES_PORT*"}},
		{regexp.MustCompile(`^[a-z0-9.-]+(?::[0-9]+)?/[a-z0-9._/-]+(?:[:@][A-Za-z0-9._:@-]+)?$`), []string{"RELATED_IMAGE_*"}},
		{tuning, []string{
			"MINIO_STORAGE_CLASS_*", "MINIO_SCANNER_*", "MINIO_HEAL_*", "MINIO_COMPRESSION_*", "MINIO_DRIVE_*", "MINIO_API_REQUESTS_*",
			"MINIO_API_CLUSTER_*", "MINIO_API_CORS_*", "MINIO_API_REMOTE_*", "MINIO_API_LIST_*", "MINIO_API_REPLICATION_*", "MINIO_API_TRANSITION_*", "MINIO_API_STALE_*",
			"MINIO_API_DELETE_*", "MINIO_API_ODIRECT*", "MINIO_API_GZIP_*", "MINIO_API_SYNC_*", "MINIO_API_OBJECT_*", "MINIO_API_EXTENDED_*", "MINIO_API_DISABLE_*", "MINIO_API_TLS_*",
		}},
		{nil, harmlessEnv},
	}
	// tuning are parities, speeds, numbers, extensions, types of contents, origins.
	tuning = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|auto|default|disabled?|enabled?|slowest|slow|fast|fastest|strict|reliability|reliable|optimal|reduced|capacity|availability|optimize|EC:[0-9]{1,2}|[0-9]+(?:\.[0-9]+)?(?:[a-z]{1,3}|%)?|(?:(?:\.[a-z0-9]{1,8}|(?:text|image|video|audio|application|font|model|binary)/[*a-z0-9.+-]+|\*|https?://[a-z0-9.*-]+(?::[0-9]+)?),? *)+)$`)
	// harmlessEnv are those whose values may have any form.
	harmlessEnv = []string{
		// Go, shells, containers
		"TERM", "HOSTNAME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
		// Kubernetes
		"POD_NAME", "POD_NAMESPACE", "POD_IP", "POD_IPS", "POD_UID", "POD_NODENAME", "NODE_NAME", "NODENAME", "NODE_IP", "HOST_IP", "NAMESPACE", "SERVICE_ACCOUNT",
		"WATCH_NAMESPACE", "WATCHED_NAMESPACES", "WATCHED_NAMESPACE", "CLUSTER_DOMAIN", "CLUSTER_NAME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
		"KUBERNETES_CLUSTER_DOMAIN", "LEADER_ELECTION", "LEADER_ELECTION_NAMESPACE", "OPERATOR_NAMESPACE", "OPERATOR_NAME",
		// AIStor's operator
		"OPERATOR_HELM_CHART_VERSION", "OPERATOR_CSR_VERSION", "OPERATOR_CERT_MANAGER_ENABLED", "OPERATOR_STS_ENABLED", "OPERATOR_STS_AUTO_TLS_ENABLED",
		"OPERATOR_STS_AUTOTLS_ENABLED", "OPERATOR_SIDECAR_IMAGE", "OPERATOR_IMAGE", "MINIO_OPERATOR_CSR_SIGNER_NAME", "MINIO_OPERATOR_RUNTIME", "MINIO_OPERATOR_DEPLOYMENT_NAME", "CSI_ENDPOINT", "KUBE_NODE_NAME", "CSI_NODE_NAME",
		"MINIO_CONSOLE_TLS_ENABLE", "MINIO_OPERATOR_CERT_ROTATE", "WEBHOOK_CUSTOM_TLS_SECRET_NAME", "TOKEN_VALIDATION",
		"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_INSECURE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
		"OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_SDK_DISABLED",
		// MinIO's server
		"MINIO_BROWSER", "MINIO_BROWSER_REDIRECT", "MINIO_BROWSER_REDIRECT_URL", "MINIO_BROWSER_LOGIN_ANIMATION", "MINIO_BROWSER_SESSION_DURATION",
		"MINIO_BROWSER_CONTENT_SECURITY_POLICY", "MINIO_BROWSER_REFERRER_POLICY", "MINIO_REGION", "MINIO_REGION_NAME", "MINIO_SITE_NAME", "MINIO_SITE_REGION",
		"MINIO_DOMAIN", "MINIO_SERVER_URL", "MINIO_ADDRESS", "MINIO_CONSOLE_ADDRESS", "MINIO_CONSOLE_PORT", "MINIO_VOLUMES", "MINIO_CI_CD", "MINIO_UPDATE",
		"MINIO_PROMETHEUS_AUTH_TYPE", "MINIO_PROMETHEUS_URL", "MINIO_PROMETHEUS_JOB_ID", "MINIO_PROMETHEUS_EXTRA_LABELS", "MINIO_ERASURE_SET_DRIVE_COUNT",
		"MINIO_CERTS_DIR", "MINIO_HTTP_TRACE", "MINIO_DNS_WEBHOOK_ENDPOINT", "MINIO_KMS_AUTO_ENCRYPTION", "MINIO_CACHE_ENABLE", "MINIO_API_ROOT_ACCESS", "MINIO_FTP_PORT",
		"MINIO_PUBLIC_IPS", "MINIO_STS_DURATION", "MINIO_ILM_EXPIRY_WORKERS", "MINIO_ILM_TRANSITION_WORKERS", "MINIO_BATCH_REPLICATION_WORKERS_WAIT",
		"MINIO_BATCH_KEYROTATION_WORKERS_WAIT", "MINIO_BATCH_EXPIRATION_WORKERS_WAIT", "MINIO_LOG_DIR", "MINIO_LOG_SIZE", "MINIO_LOG_FORMAT", "MINIO_LOG_LEVEL",
		"MINIO_KES_IDENTITY", "KES_LOG_LEVEL", "KES_SERVER",
	}
	// harmlessTargetSettings are settings of targets, without the ID behind them.
	harmlessTargetSettings = []string{
		"ENABLE", "BROKERS", "TOPIC", "QUEUE_DIR", "QUEUE_LIMIT", "QUEUE_SIZE", "BATCH_SIZE", "MAX_RETRY", "RETRY_INTERVAL", "TLS", "TLS_ENABLE", "TLS_SKIP_VERIFY",
		"TLS_CLIENT_AUTH", "SKIP_TLS_VERIFY", "SECURE", "SASL", "SASL_ENABLE", "SASL_MECHANISM", "FORMAT", "TABLE", "INDEX", "SUBJECT", "EXCHANGE", "EXCHANGE_TYPE",
		"MANDATORY", "DURABLE", "NO_WAIT", "INTERNAL", "AUTO_DELETED", "DELIVERY_MODE", "PUBLISHER_CONFIRMS", "QOS", "KEEP_ALIVE_INTERVAL", "RECONNECT_INTERVAL",
		"PING_INTERVAL", "MAX_OPEN_CONNECTIONS", "VERSION", "JETSTREAM", "STREAMING", "HTTP_TIMEOUT",
		"CONFIG_URL", "SCOPES", "CLAIM_NAME", "CLAIM_PREFIX", "CLAIM_USERINFO", "REDIRECT_URI", "REDIRECT_URI_DYNAMIC", "DISPLAY_NAME", "VENDOR", "ROLE_POLICY",
		"SERVER_ADDR", "SRV_RECORD_NAME", "LOOKUP_BIND_DN", "USER_DN_SEARCH_BASE_DN", "USER_DN_SEARCH_FILTER", "USER_DN_ATTRIBUTES", "GROUP_SEARCH_BASE_DN",
		"GROUP_SEARCH_FILTER", "SERVER_INSECURE", "SERVER_STARTTLS", "STS_EXPIRY", "ENDPOINTS",
		"ENDPOINT_TIMEOUT", "CAPATH", "CERT_FILE", "KEY_FILE", "KEY_NAME", "ENCLAVE", "CLIENT_TLS_CERT", "PATH_PREFIX",
	}
	// harmlessFlags are flags of servers whose values everybody may see.
	harmlessFlags = []string{
		"address", "console-address", "certs-dir", "config", "config-dir", "config-file", "quiet", "json", "anonymous", "log-level", "loglevel", "log-format", "v", "verbosity",
		"vmodule", "logtostderr", "namespace", "namespaces", "watch-namespace", "port", "host", "listen", "listen-address", "bind-address", "interface", "cert-dir", "timeout", "interval",
		"workers", "concurrency", "kube-api-qps", "kube-api-burst", "feature-gates", "webhook-port", "metrics-addr", "metrics-bind-address", "health-probe-bind-address",
		"metrics-bind-addr", "leader-elect", "leader-election-id", "leader-election-namespace", "enable-leader-election", "leader-elect-lease-duration",
		"tls-cert-file", "tls-private-key-file", "tls-min-version", "tls-cipher-suites", "secure-listen-address", "upstream", "image", "cluster-domain", "name", "region",
		"zap-log-level", "zap-encoder", "zap-devel", "zap-stacktrace-level", "zap-time-encoding", "storage.tsdb.path", "storage.tsdb.retention.time", "web.listen-address",
		"web.enable-lifecycle", "log.level", "log.format", "kubeconfig", "mount-path", "nodeid", "node-id", "http-endpoint", "kubelet-registration-path",
		"identity", "hosts", "benchmark", "csi-address", "drive-count", "volumes", "erasure-set-drive-count",
		// of one letter, where no secret follows
		"c", "e", "f", "l", "n", "o", "i", "x", "q", "h",
	}
)
