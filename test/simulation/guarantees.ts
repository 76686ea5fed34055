/**
 * The guarantees that a job keeps whatever the reference says of it: limits, frozen values, fences, and what is left at the end.
 *
 * Boundary: reads a simulated job, and what its host has noted.
 */
import type { Simulated } from "../../src/testing/simulation/simulate.ts"
import type { Case } from "./generate.ts"
import type { Host } from "./host.ts"
import { type Budget, limitOf } from "./reference/funds.ts"
import type { Referred } from "./reference/referred.ts"
import type { AgentSpec } from "./spec.ts"

export interface Judged {
  readonly whole: Case
  readonly job: Referred
  readonly simulated: Simulated
  readonly host: Host
  /** The keys of all intents that were committed, those of child jobs too. */
  readonly keys: ReadonlyArray<string>
}

/** The guarantees that do not hold. */
export const guaranteesOf = (judged: Judged): ReadonlyArray<string> => {
  const { host, job, simulated, whole } = judged
  const found: Array<string> = []
  const { error, result } = simulated.end!
  if (host.thawed.length > 0) found.push(`G1: not frozen: ${host.thawed.join(", ")}`)
  if (error === undefined && result.status !== "converged") found.push("G9: an end without an error")
  if (host.running > 0) found.push(`G10: ${host.running} executions are under way after the end`)
  if (simulated.unfenced > 0) found.push("G11: a write without its fence was taken")
  if (simulated.unanswered > 0) found.push(`S4: ${simulated.unanswered} signals have no answer after the end`)
  // A job whose end was refused, since its lease was taken, is unfinished: a scan takes it up again.
  const isTakenUp = whole.schedule.scans && simulated.met.includes("fenced")
  if (simulated.liveAfter > 0 && !isTakenUp) found.push("G13: the engine still holds a job")
  return [
    ...found,
    ...limitsOf(judged),
    ...timesOf(judged),
    ...concurrencyOf(judged),
    ...intentsOf(judged),
    ...answersOf(simulated),
    ...moneyOf(job, simulated, host)
  ]
}

/** No budget is exceeded (G7). */
const limitsOf = ({ host, job, simulated }: Judged): ReadonlyArray<string> => {
  const { result } = simulated.end!
  const { usage } = result
  const { funds } = job
  const found: Array<string> = []
  const over = (name: Budget, used: number) => {
    if (used > limitOf(funds, name)) found.push(`G7: ${used} ${name} of ${limitOf(funds, name)}`)
  }
  over("facts", usage.facts)
  over("agents", usage.agents)
  over("cycles", result.cycles - (result.status === "converged" ? 1 : 0))
  // A payment of a child above its reservation is missing above.
  const isAbove = host.till.above.some((payer) => payer.job.startsWith(simulated.jobId))
  if (!isAbove) over("tokens", usage.tokens)
  if (!isAbove) over("cost", usage.cost)
  // Violations are the engine's own facts: they are written even where no agent may write any more (I2).
  const ofViolations = result.context.encoded().filter(({ fact }) => fact.kind === "Violation")
  const bytes = ofViolations.reduce((sum, { text: own }) => sum + Buffer.byteLength(own), 0)
  // A context that the job inherited may have been above it.
  if (usage.contextBytes - bytes > job.beginBytes) over("contextBytes", usage.contextBytes - bytes)
  return found
}

/** The clock of a job stands still in a pause (P1); a limit of time that ended a job was reached (B3). */
const timesOf = ({ simulated }: Judged): ReadonlyArray<string> => {
  const { beganMs, end, lives, nowMs, pausedMs, pauses } = simulated
  const { error, result } = end!
  const { cpuMs, durationMs } = result.usage
  const found: Array<string> = []
  const mostMs = nowMs - beganMs - (pauses === 1 && lives === 1 ? pausedMs : 0)
  if (durationMs > mostMs) found.push(`P1: ${durationMs} ms of at most ${mostMs}`)
  const used = error?.["budget"] === "duration" ? durationMs : error?.["budget"] === "cpuTime" ? cpuMs : undefined
  const limit = error?.["limit"]
  if (used !== undefined && typeof limit === "number" && Number(error?.["used"]) < limit)
    found.push(`B3: it ended at a limit of ${limit} ms, and says ${String(error?.["used"])}`)
  return found
}

/** Limits of concurrency hold for an engine, and the turns of a job for itself (F10). */
const concurrencyOf = ({ host, whole }: Judged): ReadonlyArray<string> => {
  const { children, limits, program, sequel, versions } = whole
  const programs = [program, ...versions, ...children, ...(sequel?.do === "go on" ? [sequel.program] : [])]
  const agents = new Map<string, AgentSpec>()
  for (const agent of programs.flatMap((one) => one.agents)) agents.set(agent.name, agent)
  const found: Array<string> = []
  for (const [name, most] of host.most) {
    const agent = agents.get(name.replace(/^agent /, ""))
    const limit = name.startsWith("job ") ? limits.fiberConcurrency : (agent?.concurrency ?? Infinity)
    if (most > limit) found.push(`F10: ${most} tasks at a time of ${name}, and ${limit} may run`)
  }
  for (const [name, ms] of host.shortestGap) {
    const { gapMs = 0 } = agents.get(name) ?? {}
    if (ms < gapMs) found.push(`F10: ${ms} ms between two starts of ${name}, and ${gapMs} must pass`)
  }
  return found
}

/** Intents are performed when they are committed, and one at a time (IN2). */
const intentsOf = ({ host, job, keys: all, simulated, whole }: Judged): ReadonlyArray<string> => {
  const found: Array<string> = []
  const keys = new Set(all)
  if (host.doubled.length > 0) found.push(`IN2: two handlers at a time for ${host.doubled.join(", ")}`)
  for (const { key } of host.performed) {
    if (key.startsWith(`${simulated.jobId}/`) && !keys.has(key))
      found.push(`IN2: ${key} was performed and not committed`)
  }
  if (job.waiting.length > 0) return found
  const performed = new Set(host.performed.map(({ key }) => key))
  for (const { idempotencyKey, kind } of simulated.end!.result.intents) {
    const isHandled = whole.program.handlers.some((handler) => handler.kind === kind)
    if (isHandled && !performed.has(idempotencyKey)) found.push(`IN2: ${idempotencyKey} was not performed`)
  }
  return found
}

/** Nobody cancels a child by itself here, so a cancelled child is one whose parent ends, and answers nothing (CH13). */
const answersOf = ({ journals }: Simulated): ReadonlyArray<string> =>
  journals.flatMap(({ jobId, rows }) =>
    rows
      .filter(({ extra, text }) => text.includes(cancelledTag) || extra.includes(cancelledTag))
      .map(({ cycle }) => `CH13: cycle ${cycle} of ${jobId} takes a cancelled child for an answer`)
  )

const cancelledTag = `"_tag":"JobCancelled"`

/** The sums are those that agents have paid; nothing is refused that has room, nor granted that has none (B6 to B8). */
const moneyOf = (job: Referred, { jobId }: Simulated, { till }: Host): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const [agent, tokens, cost] of job.paid) {
    const { least, most } = till.sumOf(jobId, agent)
    for (const [name, sum] of [
      ["tokens", tokens],
      ["cost", cost]
    ] as const) {
      if (sum < least[name] || sum > most[name])
        found.push(`B7: ${agent} has paid ${sum} ${name}, not ${least[name]} to ${most[name]}`)
    }
  }
  const isAbove = till.above.some((payer) => payer.job === jobId)
  const peak = till.peaks.get(jobId)
  for (const name of ["tokens", "cost"] as const) {
    const limit = job.funds.limits[name]
    if (!isAbove && peak !== undefined && peak[name] > limit)
      found.push(`B6: ${peak[name]} ${name} were paid and reserved at a time, and ${limit} is the limit`)
  }
  for (const { asked, at, budget, catches, life, limit, payer, used } of till.refusals) {
    if (payer.job !== jobId) continue
    if (used + asked <= limit)
      found.push(`B6: ${payer.agent} was refused ${asked} ${budget}, with ${used} of ${limit} paid`)
    const isLater = (start: (typeof till.starts)[number]) =>
      start.life === life && start.at > at && start.payer.job === jobId && start.payer.cycle === payer.cycle
    const late = catches ? undefined : till.starts.find(isLater)
    if (late !== undefined) found.push(`B6: a task of ${late.payer.agent} has started after ${payer.agent} was refused`)
  }
  return found
}
