/**
 * One job in the console: its state, its diagnosis, and what it waits for, kept fresh while it is in sight.
 *
 * Invariants: an answer for a job that is no longer in sight is dropped; a job that has ended and is completely read is only
 * asked whether it is still there. The cycle that the viewer chose (`at`) is part of the address; undefined means the newest.
 * Boundary: asks and remembers.
 */
import { computed, effect, signal } from "@preact/signals"
import { ask, isReached, type Job, ofJob, type Problem, type ProgramInfo, token, type Usage } from "./api.ts"
import type * as Insight from "../../server/insightShapes.ts"
import { later, poll } from "./browser.ts"
import type * as Shapes from "../../server/shapes.ts"
import { clockMs, hearServerTime, offsetMs } from "./clock.ts"
import { change, go, route } from "./route.ts"
import type { Diagnosis, Replayed, TasksNow } from "./shapes.ts"

const refreshMs = 1_000
/** Tuning: a job that has ended is asked for once in so many rounds. */
const roundsOfEnded = 5
/** Tuning: the slider rests for so long before the views follow it. */
const restMs = 80
/** Characters of an output that come by themselves. */
const outputLength = 20_000

/** Tuning: intents and diagnostics of the job that the page has: the newest of each. The list of intents asks for its own. */
export const mostParts = 1_000

/** The parts of a query for a job as the page shows it. */
const shown = `valueLength=${outputLength}&limit=${mostParts}`

/** The states of a job that has ended. */
export const ended: ReadonlySet<string> = new Set(["converged", "budget-exhausted", "failed", "cancelled"])

export const job = signal<Job | undefined>(undefined)
export const problem = signal<Problem | undefined>(undefined)
export const diagnosis = signal<Diagnosis | undefined>(undefined)
export const tasks = signal<TasksNow | undefined>(undefined)
export const programs = signal<ReadonlyArray<ProgramInfo>>([])
/** Whether it is known which programs the server serves. */
const hasPrograms = signal(false)
/** Whether the server has no past cycles of the job, as one that keeps no journals. */
export const hasNoPast = signal(false)

/** The limits of the job's budget by name; null: none. */
export const limits = signal<Readonly<Record<string, number | null>>>({})
/** The usage of a job that this server does not hold, from its journal. Undefined until it is known. */
export const storedUsage = signal<Usage | undefined>(undefined)
/** The input of the job. Undefined until it is known. */
export const input = signal<unknown>(undefined)

export const jobId = computed(() => (route.value.page === "job" ? route.value.id : undefined))

export const isOver = computed(() => job.value !== undefined && ended.has(job.value.state))

/** The cycle that the address names; undefined: the newest. */
export const chosenCycle = computed(() => {
  const { page, query } = route.value
  const text = page === "job" ? query["at"] : undefined
  return text === undefined || !/^\d{1,9}$/.test(text) ? undefined : Number(text)
})

/** The cycle that the views show. It follows the slider when that rests for a moment, so that a drag asks for few cycles. */
export const at = signal(chosenCycle.peek())

effect(() => {
  const { value } = chosenCycle
  if (value === undefined || at.peek() === undefined) at.value = value
  return later(restMs, () => (at.value = value))
})

export const goToCycle = (cycle: number | undefined): void =>
  route.peek().page !== "job" || (cycle !== undefined && hasNoPast.peek())
    ? undefined
    : change({ at: cycle === undefined || cycle >= (job.value?.cycle ?? Infinity) ? "" : String(Math.max(0, cycle)) })

export const graph = computed(() => programs.value.find(({ name }) => name === job.value?.program)?.graph)

/** Asks for the tasks of now, with the server's time. */
const askTasks = async (id: string, abort: AbortSignal) => {
  const sentAt = clockMs()
  const answer = await ask<TasksNow>(ofJob(id, "/tasks"), { signal: abort })
  const now = answer?.ok === true ? answer.value.now : undefined
  if (now !== undefined) hearServerTime(sentAt, now)
  return answer
}

/** Whether it is known that the server, or the record, lacks the program of the job. */
export const lacksProgram = computed(() => hasPrograms.value && job.value !== undefined && graph.value === undefined)

/** The last event of a log, as far as the page needs it. */
export interface Halted {
  readonly _tag: string
  readonly cycle: number
  readonly status: (typeof Shapes.Status)["Type"]
  readonly hash: string
  readonly error?: { readonly _tag: string }
}

/** Asks for the job at once. */
let askAtOnce = (): void => undefined

/**
 * Takes the end of the job from its log. The rest is asked for at once, since the server may leave with the job: then this is all
 * that the page knows.
 */
export const hearEnd = (id: string, { cycle, error, hash, status }: Halted): void => {
  const { value } = job
  if (value?.jobId !== id || isOver.value) return
  diagnosis.value = undefined
  tasks.value = undefined
  job.value = {
    ...value,
    ...{ state: status, cycle, hash, phase: null, error: error?._tag ?? null },
    haltedAt: clockMs() + offsetMs.value
  }
  askAtOnce()
}

const forget = (): void => {
  job.value = undefined
  problem.value = undefined
  diagnosis.value = undefined
  tasks.value = undefined
  limits.value = {}
  storedUsage.value = undefined
  input.value = undefined
  hasNoPast.value = false
}

/** Forgets the job before, and follows another. */
effect(() => {
  const id = jobId.value
  forget()
  if (id === undefined) return undefined
  let isRead = false
  let hasInput = false
  let replayedHash = ""
  /** Asks for the usage in the journal, once for each of its states. */
  const needUsage = async ({ hash, usage }: Job): Promise<void> => {
    if (usage !== null || hash === replayedHash) return
    replayedHash = hash
    const answer = await ask<Replayed>(ofJob(id, "/replay?valueLength=0&limit=1"))
    if (answer?.ok === true && jobId.value === id) storedUsage.value = answer.value.usage
  }
  /** Asks for the input until it has come: the server may have been away at first. */
  const needInput = async (abort: AbortSignal): Promise<void> => {
    if (hasInput) return
    const answer = await ask<typeof Insight.JobInput.Type>(ofJob(id, "/input"), { signal: abort })
    if (answer?.ok !== true || jobId.value !== id) return
    hasInput = true
    limits.value = answer.value.budget
    input.value = answer.value.input
  }
  let rounds = 0
  const round = async (abort: AbortSignal): Promise<void> => {
    // A job that has ended changes no more, but may be deleted.
    if (isRead && ++rounds % roundsOfEnded !== 0) return
    // The first round runs within the effect, which must not follow what it sets.
    if (job.peek() === undefined) {
      // The journal of an ended job may be long. Its end is known before that is read.
      const early = await ask<Job>(ofJob(id, `?brief=true&${shown}`), { signal: abort })
      if (early === undefined || jobId.value !== id) return
      if (early.ok) job.value = early.value
    }
    const answer = await ask<Job>(ofJob(id, isRead ? "?brief=true" : `?${shown}`), { signal: abort })
    if (answer === undefined || jobId.value !== id) return
    if (!answer.ok) {
      problem.value = answer.problem
      if (answer.problem.status === 404) job.value = undefined
      return
    }
    problem.value = undefined
    void needInput(abort)
    void needPrograms()
    if (isRead) return
    // An answer from before the end that the log has told.
    if (isOver.peek() && !ended.has(answer.value.state)) return
    job.value = answer.value
    void needUsage(answer.value)
    const isEnd = ended.has(answer.value.state)
    const [found, now] = await Promise.all([
      ask<Diagnosis>(ofJob(id, "/diagnosis"), { signal: abort }),
      askTasks(id, abort)
    ])
    if (jobId.value !== id) return
    if (found?.ok === true) diagnosis.value = found.value
    tasks.value = now?.ok === true ? now.value : undefined
    // A job that has just ended may come without its result. Without its program, a damaged journal never has one.
    isRead = isEnd && found?.ok === true && (answer.value.result !== null || lacksProgram.peek())
  }
  return poll(refreshMs, round, (ask) => (askAtOnce = ask))
})

let asksForPrograms = false

/** A server that was away may have come back with other programs, and another token may see others. */
effect(() => {
  void token.value
  void isReached.value
  asksForPrograms = false
})

/** Asks for the programs once for each token, and again after the server was away. */
export const needPrograms = async (): Promise<void> => {
  if (asksForPrograms) return
  asksForPrograms = true
  const answer = await ask<{ readonly programs: ReadonlyArray<ProgramInfo> }>("programs")
  if (answer?.ok !== true) {
    asksForPrograms = false
    return
  }
  programs.value = answer.value.programs
  hasPrograms.value = true
}

/** The acts of a viewer on a job. */
export type Act = "pause" | "resume" | "cancel" | "delete"

/** The act that the server has not answered yet. A pause and a cancel take until the job rests. */
export const acting = signal<Act | undefined>(undefined)

/** The last act of the viewer, if the server refused it. It stays until the next act, or until the viewer closes it. */
export const refusedAct = signal<{ readonly act: Act; readonly problem: Problem } | undefined>(undefined)

/** Forgets the acts on the job before. */
effect(() => {
  void jobId.value
  acting.value = undefined
  refusedAct.value = undefined
})

/** Sends an act. Undefined if it was refused, or if the page shows another job by now. */
const act = async <A>(name: Act, below: string, method: "POST" | "DELETE"): Promise<A | undefined> => {
  const id = jobId.value
  if (id === undefined) return undefined
  acting.value = name
  refusedAct.value = undefined
  const answer = await ask<A>(ofJob(id, below), { method })
  if (jobId.value !== id) return undefined
  // A later act may be under way: one that withdraws a pause.
  const isLast = acting.value === name
  if (isLast) acting.value = undefined
  if (answer?.ok === true) return answer.value
  if (answer !== undefined && isLast) refusedAct.value = { act: name, problem: answer.problem }
  return undefined
}

/** Steers the job, and shows at once what came of it. */
export const steer = async (action: "pause" | "resume" | "cancel"): Promise<void> => {
  const steered = await act<Job>(action, `/${action}`, "POST")
  if (steered !== undefined) job.value = steered
}

/** Deletes the job, and goes to the list of the others. */
export const remove = async (): Promise<void> => {
  const deleted = await act<{ readonly deleted: number }>("delete", "", "DELETE")
  if (deleted !== undefined) go({ page: "jobs", query: {} }, true)
}
