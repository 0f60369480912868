{{- define "fixture.namespace" -}}
{{- $.Values.namespaceOverride | default $.Release.Namespace | quote -}}
{{- end -}}

{{/* metadata of every object, to be indented by two */}}
{{- define "fixture.meta" -}}
annotations:
  aistor.min.io/version: [[ .Release ]]
  {{- with .Values.annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.labels }}
labels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* the operators of this version and the images each is told about */}}
{{- define "fixture.operators" -}}
adminjob: [mc]
aihub: [aihub]
object-store: [[ .StoreImages ]]
prompt: [prompt]
warp: [warp]
{{- end -}}

{{/* {op, root} -> "true" where the operator is on */}}
{{- define "fixture.on" -}}
{{- $settings := index (.root.Values.operators | default dict) .op | default dict -}}
{{- if not $settings.disabled }}true{{ end -}}
{{- end -}}

{{- define "fixture.openshift" -}}
{{- if or .Values.global.forceOpenShift (.Capabilities.APIVersions.Has "security.openshift.io/v1/SecurityContextConstraints") }}true{{ end -}}
{{- end -}}
[[ if atLeast "5.5.0" ]]
{{- define "fixture.tokenValidation" -}}
{{- $store := index (.Values.operators | default dict) "object-store" | default dict -}}
{{- $store.tokenValidation | default "TokenReview" -}}
{{- end -}}
[[ end ]]
[[- if atLeast "5.2.0" ]]
{{- define "fixture.webhook" -}}
{{- $store := index (.Values.operators | default dict) "object-store" | default dict -}}
{{- $raw := index $store "webhook" -}}
{{- $off := and (kindIs "bool" $raw) (not $raw) -}}
{{- $hook := $raw | default dict -}}
{{- if not (or $store.disabled $off (eq $hook.enabled false)) }}true{{ end -}}
{{- end -}}
[[ end ]]
[[- if atLeast "5.7.0" ]]
{{/* {op, root} -> JSON list of namespaces, empty for the whole cluster */}}
{{- define "fixture.watched" -}}
{{- $settings := index (.root.Values.operators | default dict) .op | default dict -}}
{{- $all := .root.Values.global.operator | default dict -}}
{{- if hasKey $settings "watchedNamespaces" -}}
{{- $settings.watchedNamespaces | toJson -}}
{{- else -}}
{{- $all.watchedNamespaces | default list | toJson -}}
{{- end -}}
{{- end -}}
[[ end ]]
