#!/usr/bin/env bash
# One check of ssm-doctor in a GitHub workflow: annotations in the log, Markdown in the job's summary, and a file
# for each format that other steps read. Exits as ssm-doctor does.
#
# The inputs of action.yml come as INPUT_…; what is empty is left out.
set -euo pipefail

folder=${INPUT_FOLDER:-ssm-doctor-report}
mkdir -p "$folder"
args=(--format github)
for file in report.md report.sarif report.xml report.json; do
  args+=(--output "$folder/$file")
done
add() {
  if [ -n "$2" ]; then
    args+=("$1" "$2")
  fi
}
add --facts "${INPUT_FACTS:-}"
add --region "${INPUT_REGION:-}"
add --session "${INPUT_SESSION:-}"
add --fail-on "${INPUT_FAIL_ON:-}"
add --baseline "${INPUT_BASELINE:-}"
if [ "${INPUT_REDACT:-false}" = true ]; then
  args+=(--redact)
fi
targets=()
while IFS= read -r target; do
  if [ -n "$target" ]; then
    targets+=("$target")
  fi
done <<< "${INPUT_TARGET:-}"
if [ "${#targets[@]}" -gt 0 ]; then
  args+=(-- "${targets[@]}")
fi

code=0
ssm-doctor "${args[@]}" || code=$?

if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$folder/report.md" ]; then
  cat "$folder/report.md" >> "$GITHUB_STEP_SUMMARY"
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  {
    echo "exit-code=$code"
    for name in sarif json; do
      if [ -f "$folder/report.$name" ]; then
        echo "$name=$folder/report.$name"
      fi
    done
  } >> "$GITHUB_OUTPUT"
fi
exit "$code"
