{{- define "example.image" -}}
{{- $def := index .root.images .name -}}
{{- if kindIs "string" $def -}}
{{- $def -}}
{{- else -}}
{{- $repo := index .root.repositories $def.repository -}}
{{- if not $repo -}}
{{- fail (printf "Unknown repository '%s' for image '%s'" $def.repository .name) -}}
{{- end -}}
{{- $repo.hostname }}/{{ $repo.pathPrefix }}{{ $def.image -}}
{{- end -}}
{{- end -}}
