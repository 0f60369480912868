{{/* metadata of a CRD, without its name */}}
{{- define "fixture.crdMeta" -}}
annotations:
  aistor.min.io/version: [[ .Release ]]
[[- if atLeast "5.7.0" ]]
  helm.sh/resource-policy: keep
[[- end ]]
  {{- with .Values.annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.labels }}
labels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
