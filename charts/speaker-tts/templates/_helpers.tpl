{{- define "speaker-tts.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: speaker-tts
{{ include "speaker-tts.selector" . }}
{{- end }}

{{- define "speaker-tts.selector" -}}
app.kubernetes.io/name: speaker-tts-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "speaker-tts.name" -}}
{{ printf "%s-operator" (.Release.Name | trunc 52 | trimSuffix "-") }}
{{- end }}

{{- define "speaker-tts.subject" -}}
- kind: ServiceAccount
  name: {{ include "speaker-tts.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* A repository, below the registry that everything is mirrored in. */ -}}
{{- define "speaker-tts.repository" -}}
{{- $root := index . 0 }}{{- $repository := index . 1 }}
{{- with $root.Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end }}{{ $repository }}
{{- end }}

{{- define "speaker-tts.operatorImage" -}}
{{ include "speaker-tts.repository" (list . .Values.image.repository) }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "speaker-tts.runtimeImage" -}}
{{ include "speaker-tts.repository" (list . .Values.runtime.image.repository) }}:{engine}-{{ .Values.runtime.image.version | default .Chart.AppVersion }}
{{- end }}
