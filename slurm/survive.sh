# shellcheck shell=bash disable=SC2154
# Runs a Hepar job so that it survives its time limit, preemption and lost nodes. `hepar submit` puts this text behind the
# site's header; by hand, set what follows and `source` this file at the end of a batch script.
#   launch    array: launcher, program and its options        status    status.json that rank 0 of this work writes
#   result    the file that is there only when all is done    notes     folder that all nodes see, for this job's notes
#   stop      the signal that asks for a stop (USR2)          lead      seconds that a stop may take
#   progress  folder in which new files mean that the work goes on (default: that of status)
#   again     no: a failure that the program reports is final (default: a lost rank is tried again)
#   requeue   command that puts this job back into the queue, its id is added (default: scontrol requeue)

mkdir -p "$notes"
# A task of an array is requeued by its own name: the bare id of its last task is that of the whole array.
id=$SLURM_JOB_ID
[ -n "${SLURM_ARRAY_JOB_ID:-}" ] && id="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
tag=${SLURM_JOB_NAME:-hepar}-${SLURM_ARRAY_TASK_ID:-0}
progress=${progress:-${status%/*}}

say() { echo "$(date +%FT%T) hepar job $id: $*" >&2; }
field() { sed -n 's/.*"'"$1"'": *"\{0,1\}\([^",}]*\).*/\1/p' "$status" 2>/dev/null | head -n 1; }
# What has been achieved so far: checkpoints, finished folds and rungs, the journal of extraction, by name and size.
achieved() { find "$progress" \( -name 'step-*' -o -name fold.json -o -name 'rung-*' -o -name '*.seg' -o -name '*.h5' \) -printf '%p %s\n' 2>/dev/null | sort | cksum; }

# Nodes that a start failed on are kept from the next one: those that Slurm has given up, and the only node of a job that died.
excluded=$notes/excluded-$tag
note_failed_nodes() {
  { sinfo -h -N -n "$SLURM_JOB_NODELIST" -t down,drain,fail,no_respond,unknown -o %N
    if [ "${SLURM_JOB_NUM_NODES:-1}" -eq 1 ]; then echo "$SLURM_JOB_NODELIST"; fi; } 2>/dev/null | cat - "$excluded" 2>/dev/null | sort -u >"$excluded.new"
  others=$(sinfo -h -N -p "$SLURM_JOB_PARTITION" -t idle,alloc,mix -o %N 2>/dev/null | sort -u | grep -cvxFf "$excluded.new")
  if [ -s "$excluded.new" ] && [ "$others" -ge "${SLURM_JOB_NUM_NODES:-1}" ]; then
    mv "$excluded.new" "$excluded"
    say "the next start keeps away from $(paste -sd, "$excluded")"
  else
    rm -f "$excluded.new" "$excluded"
  fi
}
back_to_the_queue() {
  trap '' TERM  # it comes with the requeue, and a pending job alone can be told which nodes to keep away from
  for pause in 5 10 20 40 60 60 60 60; do
    if ${requeue:-scontrol requeue} "$id"; then
      [ -s "$excluded" ] || exit 0
      for _ in 1 2 3 4 5 6 7 8; do
        scontrol update "jobid=$id" "excnodelist=$(paste -sd, "$excluded")" 2>/dev/null && exit 0
        sleep 0.3
      done
      exit 0
    fi
    say "the controller does not answer; again in $pause s"
    sleep "$pause"
  done
  say "could not be requeued: submit the same command again, it continues"
  exit 1
}

# The program stops by itself before the end that Slurm knows, in case no signal comes (limits are looked at every 30 s): by
# the time that its checkpoints take, or half the lead before it has written one.
end=$(squeue -h -j "$id" -o %e 2>/dev/null | head -n 1)
if [ -n "$end" ] && seconds=$(date -d "$end" +%s 2>/dev/null); then export HEPAR_DEADLINE=$seconds HEPAR_STOP_LEAD=$((lead / 2)); fi
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}  # srun no longer takes it from sbatch
unset SLURM_EXPORT_ENV                               # an inner srun must inherit this environment

# Three starts in a row without progress end it: a job that fails at once would requeue itself for ever.
now=$(achieved)
before='' count=0
[ -f "$notes/starts-$tag" ] && { read -r count; read -r before; } <"$notes/starts-$tag"
if [ "$now" = "$before" ]; then count=$((count + 1)); else count=1; fi
printf '%s\n%s\n' "$count" "$now" >"$notes/starts-$tag.new" && mv "$notes/starts-$tag.new" "$notes/starts-$tag"
if [ "$count" -gt 3 ]; then
  say "three starts without progress; the last status: $(cat "$status" 2>/dev/null || echo none). Mend the cause, remove $notes/starts-$tag and submit again"
  exit 6
fi

# The shell gets the signal (--signal=B:) and passes it on; a trap runs only while the shell waits, so the launcher is in the
# background. TERM is passed on as a stop too: mpirun would kill its ranks a second after it.
launcher='' code=0
generation=$(field generation)
export HEPAR_VERDICT=$notes/verdict-$tag  # the program's own exit code, when it fails: the launcher's may be that of a rank it killed
trap '[ -n "$launcher" ] && kill -s "$stop" "$launcher" 2>/dev/null' "$stop" USR1 USR2 TERM
say "start ${SLURM_RESTART_COUNT:-0} on ${SLURM_JOB_NODELIST:-?}: ${launch[*]}"
run_once() {
  rm -f "$HEPAR_VERDICT"
  "${launch[@]}" &
  launcher=$!
  while :; do
    wait "$launcher"
    code=$?
    kill -0 "$launcher" 2>/dev/null || break
  done
  [ -s "$HEPAR_VERDICT" ] && read -r code <"$HEPAR_VERDICT"
  # Rank 0's status file is the authority: a launcher has returned 0 after a node had died.
  state=$(field state) class=$(field class)
  # The same generation as before: this start was refused, found all done, or never began.
  if [ "$(field generation)" = "$generation" ]; then state=unbegun class=none; fi
}
run_once
# A step can fail to launch (137, 143, 233, or srun's own 0 and 1) where the step of that number has left files: after a
# power cut, or when the job comes back within a second. The next step's number is another one.
if [ "$state" = unbegun ] && { [ "$code" -le 1 ] || [ "$code" -gt 75 ]; } && [ ! -e "$result" ]; then
  say "the launch failed (code $code), once more"
  sleep 2
  run_once
fi
case "$state/$class/${again:-yes}" in
  finished/*)
    [ -e "$result" ] && { say "finished"; exit 0; }
    say "the result is not there yet; once more"
    back_to_the_queue ;;
  stopped/*)
    say "stopped on request at step $(field step), requeued to continue"
    back_to_the_queue ;;
  failed/usage/* | failed/input/* | failed/store/* | failed/training/* | failed/disk/* | failed/*/no)
    say "failed and is not tried again: $(cat "$status")"
    exit "$(field exit_code)" ;;
  unbegun/*)
    # The program's own refusals are not worth another try; a launcher that failed is.
    if { [ "$code" -ge 2 ] && [ "$code" -le 5 ]; } || [ "$code" -eq 74 ]; then say "refused (code $code), see above; not tried again"; exit "$code"; fi
    [ -e "$result" ] && [ "$code" -eq 0 ] && { say "finished before"; exit 0; }
    say "died before it began (launcher code $code), requeued"
    note_failed_nodes
    back_to_the_queue ;;
  *)
    say "died or lost a rank (launcher code $code), requeued to continue"
    note_failed_nodes
    back_to_the_queue ;;
esac
