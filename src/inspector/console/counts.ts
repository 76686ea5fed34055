/**
 * The number of facts of each kind, as of the cycle that the page shows.
 *
 * Facts are counted, and not commits: a budget counts those (`usage.facts`), and begins at 0 in a fork. Invariant: an answer is
 * shown only for the job and the cycle that it is of. Boundary: asks and remembers.
 */
import { computed, effect, signal } from "@preact/signals"
import { ask, ofJob, queryOf } from "./api.ts"
import { at, job, jobId } from "./jobStore.ts"

export type Counts = Readonly<Record<string, number>>

const answered = signal<{ readonly of: string; readonly kinds: Counts | null } | undefined>(undefined)

const place = computed(() => JSON.stringify([jobId.value, at.value]))

/** Names the facts in sight: those of a past cycle never change. */
const moment = computed(() => {
  const { value } = job
  if (value === undefined || value.jobId !== jobId.value) return undefined
  return JSON.stringify([value.jobId, at.value, at.value === undefined ? value.hash : ""])
})

/** By the kind's name. Undefined until it is known; null: the server does not tell. */
export const counts = computed(() => (answered.value?.of === place.value ? answered.value.kinds : undefined))

/** The number of all facts. Undefined as long as it is not known. */
export const factCount = computed(() => {
  const { value } = counts
  return value === undefined || value === null ? undefined : Object.values(value).reduce((sum, count) => sum + count, 0)
})

/** The numbers of the newest question, and of the question of the answer that is here. */
let [newest, shown] = [0, 0]

effect(() => {
  if (moment.value === undefined) return
  const of = place.peek()
  const question = ++newest
  const id = jobId.peek() ?? ""
  void ask<{ readonly kinds: Counts }>(ofJob(id, `/kinds${queryOf({ at: at.peek() })}`)).then((answer) => {
    // A later question may have had its answer before this one.
    if (answer === undefined || question < shown || of !== place.peek()) return
    shown = question
    answered.value = { of, kinds: answer.ok ? answer.value.kinds : (counts.peek() ?? null) }
  })
})
