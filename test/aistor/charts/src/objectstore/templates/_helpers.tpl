{{- define "fixture.namespace" -}}
{{- $.Values.namespaceOverride | default $.Release.Namespace | quote -}}
{{- end -}}

{{/* annotations and labels of the chart's Secrets, to be indented by two */}}
{{- define "fixture.meta" -}}
{{- with .Values.annotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.labels }}
labels: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* {repository, tag, digest} -> repository:tag, with the digest in the tag's place as published */}}
{{- define "fixture.image" -}}
{{- $tag := .digest | default .tag -}}
{{- if and .repository $tag -}}
{{ .repository }}:{{ $tag }}
{{- else if or .repository $tag -}}
{{- fail "Both repository and tag / digest must be set" -}}
{{- end -}}
{{- end -}}
[[ if atLeast "1.0.14" ]]
{{/* the Secret holding config.env; empty where the root credentials have one of their own */}}
{{- define "fixture.configSecret" -}}
{{- $mine := .Values.secrets.name | default "" -}}
{{- $theirs := (.Values.objectStore.configuration | default dict).name | default "" -}}
{{- if and $mine $theirs (ne $mine $theirs) -}}
{{- fail "Configuration secret mismatch in .secrets.name and .objectStore.configuration.name" -}}
{{- end -}}
{{- $mine | default $theirs -}}
{{- end -}}
[[ end ]]
[[- if atLeast "1.0.15" ]]
{{- define "fixture.requireCredentials" -}}
{{- range $key := list "accessKey" "secretKey" -}}
{{- if not (index $.Values.secrets $key) -}}
{{- fail (printf ".secrets.%s is required (no default credentials are shipped)" $key) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.secrets.accessKey "minio") (eq .Values.secrets.secretKey "minio123") -}}
{{- fail ".secrets.accessKey/secretKey must not be the well-known weak pair 'minio'/'minio123'" -}}
{{- end -}}
{{- end -}}
[[ end ]]
