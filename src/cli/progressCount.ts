/**
 * Counts the work of a job so far, tier by tier, from its events and telemetry.
 *
 * Events give the exact counts of commits. Telemetry and the machine's context show the work under way, and may miss some.
 * Boundary: pure counting; times come in as milliseconds, all of one clock.
 */
import type { JobMachineContext } from "../../machines/job.machine.ts"
import type { JobEvent, JobTelemetry } from "../outcome/JobEvent.ts"
import { oneLine, toPlain, truncate } from "./text.ts"
import type { Status } from "../outcome/Cause.ts"
import { typeOf } from "../values/panic.ts"

const reportLength = 200

/** The text of what an agent reports. Agents may report any value. */
const reportText = (value: unknown): string => {
  if (typeof value === "string") return value
  try {
    return JSON.stringify(toPlain(value)) ?? ""
  } catch {
    return typeOf(value)
  }
}

/** The tiers of a program, and its name: of a program at hand, or as a server or a log describes it. */
export interface TierNames {
  readonly name: string
  readonly tierCount: number
  readonly agents: ReadonlyArray<{ readonly name: string }>
  /** The tier of each agent, by its place among `agents`. */
  readonly tierOf: ReadonlyArray<number>
}

/** The parts of events that are counted. */
export type Counted =
  | { readonly _tag: "JobStarted"; readonly seeds: ReadonlyArray<unknown> }
  | {
      readonly _tag: "CycleStarted"
      readonly cycle: number
      readonly tier: number
      readonly tasks: number
      readonly agents: ReadonlyArray<string>
    }
  | { readonly _tag: "FactsCommitted"; readonly facts: ReadonlyArray<unknown> }
  | { readonly _tag: "TaskDiscarded" }
  | { readonly _tag: "TierConverged"; readonly tier: number }
  | { readonly _tag: "JobHalted"; readonly status: Status }

/** The cycle under way, as the job's machine tells it. */
export type Present = Pick<JobMachineContext, "cycle" | "tasks" | "tier">

export interface TierTally {
  readonly agents: ReadonlyArray<string>
  /** The state of the tier. `"idle"`: it has not run yet, or found nothing to do. */
  state: "idle" | "running" | "done" | "stopped"
  cycles: number
  tasks: number
  discarded: number
  /** Facts added or revised. */
  facts: number
  elapsedMs: number
}

/** The cycle that is executing. `ended` counts the tasks that telemetry has seen end. */
export interface Underway {
  readonly cycle: number
  readonly tier: number
  readonly tasks: number
  readonly ended: number
  /** The time at which the cycle before was committed. */
  readonly since: number
}

/** A task that is executing now. */
export interface RunningTask {
  readonly name: string
  /** The time at which it began. */
  readonly since: number
}

const idle = (agents: ReadonlyArray<string>): TierTally => ({
  agents,
  state: "idle",
  cycles: 0,
  tasks: 0,
  discarded: 0,
  facts: 0,
  elapsedMs: 0
})

export class Tally {
  readonly #tiers: Array<TierTally>
  readonly startedAt: number
  /** The last committed cycle. */
  cycle = 0
  facts = 0
  halted: Status | undefined
  underway: Underway | undefined
  /** The last report of an agent through `view.progress`. */
  report = ""
  #tier = 0
  #lastAt: number
  #ended = { cycle: 0, count: 0 }
  /** The times at which the running tasks of a cycle began, by task name, in the order of their beginnings. */
  readonly #running = new Map<string, number>()
  #runningCycle = 0
  #queued = { cycle: 0, tier: 0, count: 0 }

  constructor(program: TierNames, startedAt: number) {
    this.startedAt = startedAt
    this.#lastAt = startedAt
    this.#tiers = Array.from({ length: program.tierCount }, (_, tier) =>
      idle(program.agents.filter((_, index) => program.tierOf[index] === tier).map(({ name }) => name))
    )
  }

  get tiers(): ReadonlyArray<TierTally> {
    return this.#tiers
  }

  /** `event`: an event of the log. Those that are not counted are ignored. */
  onEvent(event: Counted | JobEvent, at: number): void {
    switch (event._tag) {
      case "JobStarted":
        this.facts += event.seeds.length
        return
      case "CycleStarted": {
        this.cycle = event.cycle
        this.#tier = event.tier
        this.#learn(event.tier, event.agents)
        const tier = this.#current()
        if (tier === undefined) return
        tier.state = "running"
        tier.cycles++
        tier.tasks += event.tasks
        tier.elapsedMs += at - this.#lastAt
        this.#lastAt = at
        return
      }
      case "FactsCommitted": {
        this.facts += event.facts.length
        const tier = this.#current()
        if (tier !== undefined) tier.facts += event.facts.length
        return
      }
      case "TaskDiscarded": {
        const tier = this.#current()
        if (tier !== undefined) tier.discarded++
        return
      }
      case "TierConverged": {
        const tier = this.tiers[event.tier]
        if (tier?.state === "running") tier.state = "done"
        return
      }
      case "JobHalted": {
        this.halted = event.status
        this.underway = undefined
        this.report = ""
        for (const tier of this.tiers) {
          if (tier.state !== "running") continue
          tier.state = event.status === "converged" ? "done" : "stopped"
          tier.elapsedMs += at - this.#lastAt
        }
        return
      }
      default:
    }
  }

  /** `at`: when the item was seen. Its own time is the time of day, which may be set meanwhile. */
  onTelemetry(item: JobTelemetry, at: number): void {
    if (item._tag === "TaskQueued") this.#onQueued(item)
    if (item._tag === "TaskClaimed") {
      if (this.#runningCycle !== item.cycle) this.#running.clear()
      this.#runningCycle = item.cycle
      this.#running.set(nameOf(item), at)
    }
    if (item._tag === "TaskEnded") {
      this.#running.delete(nameOf(item))
      if (this.#ended.cycle !== item.cycle) this.#ended = { cycle: item.cycle, count: 0 }
      this.#ended.count++
    } else if (item._tag === "TaskProgress") {
      this.report = `${item.agent}: ${truncate(oneLine(reportText(item.value)), reportLength)}`
    }
  }

  /** The cycle under way as telemetry tells it, for a job whose machine is not at hand. */
  get queued(): Present {
    const { count, cycle, tier } = this.#queued
    return { cycle, tier, tasks: cycle > this.cycle ? count : 0 }
  }

  #onQueued({ agent, cycle }: JobTelemetry): void {
    const { count, cycle: last } = this.#queued
    const known = this.#tiers.findIndex(({ agents }) => agents.includes(agent))
    this.#queued = { cycle, tier: known === -1 ? this.#tier : known, count: cycle === last ? count + 1 : 1 }
  }

  /** Adds tiers and agents that the program's description does not have. */
  #learn(tier: number, agents: ReadonlyArray<string>): void {
    while (this.#tiers.length <= tier) this.#tiers.push(idle([]))
    const known = this.#tiers[tier]
    const more = agents.filter((name) => name !== "" && !this.#tiers.some((other) => other.agents.includes(name)))
    if (known !== undefined && more.length > 0) this.#tiers[tier] = { ...known, agents: [...known.agents, ...more] }
  }

  /** Takes the cycle under way from the machine's context. */
  observe({ cycle, tasks, tier }: Present): void {
    if (this.halted !== undefined || tasks === 0) {
      this.underway = undefined
      return
    }
    if (this.underway !== undefined && this.underway.tier !== tier) this.report = ""
    const ended = this.#ended.cycle === cycle ? Math.min(this.#ended.count, tasks) : 0
    this.underway = { cycle, tier, tasks, ended, since: this.#lastAt }
    this.tiers.forEach((other, index) => {
      if (index === tier) other.state = "running"
      else if (other.state === "running") other.state = "done"
    })
  }

  /** The task of the cycle under way that has been executing for the longest time. */
  get slowest(): RunningTask | undefined {
    if (this.underway?.cycle !== this.#runningCycle) return undefined
    const [first] = this.#running
    return first === undefined ? undefined : { name: first[0], since: first[1] }
  }

  /** Milliseconds that a tier has run, the cycle under way included. */
  elapsedMs(tier: number, at: number): number {
    const before = this.tiers[tier]?.elapsedMs ?? 0
    return this.underway?.tier === tier ? before + at - this.#lastAt : before
  }

  #current(): TierTally | undefined {
    return this.tiers[this.#tier]
  }
}

const nameOf = ({ agent, each }: JobTelemetry): string =>
  oneLine(each === undefined ? agent : `${agent} on ${each.kind}/${each.id}`)
