/**
 * Gates: how many tasks of an agent run at a time, and how soon one after the other, by key.
 *
 * An engine has one gate for each agent and key, for all its jobs: a host counts requests, whichever job sends them. Within a
 * job, permits are given in merge order; between jobs, in turn.
 *
 * Invariants: at most `limit` permits of a gate are given at a time, and two are given at least `gap` apart; a permit that was
 * left is given on at once. Boundary: permits; the group of a job's fibers starts what has one.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Limits } from "../Limits.ts"
import { runCancellable } from "../platform/detached.ts"
import type { ErasedAgent, ErasedConcurrency } from "../program/erased.ts"
import { PlaceQueue } from "./placeQueue.ts"

/** A job whose tasks ask for permits. Its clock decides, and its services run the timer. */
export interface GatedJob {
  readonly clockMs: number
  readonly options: { readonly services: Context.Context<unknown> }
}

/** The gates of an engine. */
export class Gates {
  readonly #ofAgents = new WeakMap<ErasedAgent, Map<string, Gate>>()
  readonly #waiting = { concurrency: 0, budget: 0 }

  /** Counts the tasks of all jobs that wait, for a permit or for room under a budget. Returns how many do now. */
  count(reason: "concurrency" | "budget", more: number): number {
    return (this.#waiting[reason] += more)
  }

  /** A permit for a task. It is not given yet. */
  permit(
    session: GatedJob,
    place: number,
    {
      agent,
      concurrency,
      key
    }: { readonly agent: ErasedAgent; readonly concurrency: ErasedConcurrency; readonly key: string }
  ): Permit {
    let gates = this.#ofAgents.get(agent)
    if (gates === undefined) this.#ofAgents.set(agent, (gates = new Map()))
    let gate = gates.get(key)
    if (gate === undefined) {
      if (gates.size >= Limits.gatesSwept) sweep(gates, session.clockMs)
      gates.set(key, (gate = new Gate(concurrency)))
    }
    return new Permit(gate, session, place)
  }
}

/** Forgets gates that hold nobody up. */
const sweep = (gates: Map<string, Gate>, nowMs: number): void => {
  for (const [key, gate] of gates) if (gate.isIdle(nowMs)) gates.delete(key)
}

/** The permit of a task: asked for, given, left. It can be asked for again. */
export class Permit {
  readonly place: number
  readonly session: GatedJob
  readonly #gate: Gate
  /** Called when it is given later. Undefined unless it waits. */
  onGiven: (() => void) | undefined
  isGiven = false

  constructor(gate: Gate, session: GatedJob, place: number) {
    this.#gate = gate
    this.session = session
    this.place = place
  }

  /** Asks for the permit. Returns whether it is given at once; if it is not, `onGiven` is called later. */
  ask(onGiven: () => void): boolean {
    return this.#gate.ask(this, onGiven)
  }

  /** Leaves the gate, or the queue before it. */
  leave(): void {
    this.#gate.leave(this)
  }

  /** Leaves the gate without having used the permit. */
  giveBack(): void {
    this.#gate.giveBack(this)
  }
}

class Gate {
  readonly #concurrency: ErasedConcurrency
  #given = 0
  /** The time from which on the next permit may be given, in milliseconds of the clock of jobs. */
  #nextAt = -Infinity
  /** The permit that was given last, and the time from which on it might be given. */
  #last: { readonly permit: Permit; readonly nextAt: number } | undefined
  /** Waiting permits by job, the job that is next in turn first. */
  readonly #waiting = new Map<GatedJob, PlaceQueue<Permit>>()
  #stopTimer: (() => void) | undefined
  #isServing = false

  constructor(concurrency: ErasedConcurrency) {
    this.#concurrency = concurrency
  }

  isIdle(nowMs: number): boolean {
    return this.#given === 0 && this.#waiting.size === 0 && this.#nextAt <= nowMs
  }

  ask(permit: Permit, onGiven: () => void): boolean {
    if (this.#waiting.size === 0 && this.#mayGive(permit.session)) {
      this.#give(permit)
      return true
    }
    permit.onGiven = onGiven
    let queue = this.#waiting.get(permit.session)
    if (queue === undefined) this.#waiting.set(permit.session, (queue = new PlaceQueue()))
    queue.add(permit)
    // A permit that leaves lets the next one in. Otherwise only time is missing.
    if (this.#given < this.#concurrency.limit) this.#later(permit.session)
    return false
  }

  leave(permit: Permit): void {
    if (permit.isGiven) {
      permit.isGiven = false
      // A gate outlives the jobs of its permits.
      if (this.#last?.permit === permit) this.#last = undefined
      this.#given--
    } else {
      const queue = this.#waiting.get(permit.session)
      if (queue === undefined || !queue.remove(permit)) return
      permit.onGiven = undefined
      if (queue.size === 0) this.#waiting.delete(permit.session)
      // The timer runs by the clock of the job that was next.
      this.#stopTimer?.()
      this.#stopTimer = undefined
    }
    this.#serve()
  }

  /** A permit that nobody has used holds up no other one. */
  giveBack(permit: Permit): void {
    if (this.#last?.permit === permit && permit.isGiven) this.#nextAt = this.#last.nextAt
    this.leave(permit)
  }

  #mayGive(session: GatedJob): boolean {
    return this.#given < this.#concurrency.limit && (this.#nextAt === -Infinity || session.clockMs >= this.#nextAt)
  }

  #give(permit: Permit): void {
    permit.isGiven = true
    this.#given++
    const { gapMs } = this.#concurrency
    if (gapMs > 0) this.#last = { permit, nextAt: this.#nextAt }
    if (gapMs > 0) this.#nextAt = permit.session.clockMs + gapMs
  }

  /** A task that is given a permit may end, and leave it, within the call: this loop then gives it on. */
  #serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    this.#giveAll()
    this.#isServing = false
  }

  #giveAll(): void {
    for (;;) {
      const [next] = this.#waiting
      if (next === undefined || this.#given >= this.#concurrency.limit) return
      const [session, queue] = next
      if (!this.#mayGive(session)) return this.#later(session)
      const permit = queue.shift()
      // The next permit goes to the next job.
      this.#waiting.delete(session)
      if (queue.size > 0) this.#waiting.set(session, queue)
      if (permit === undefined) continue
      this.#give(permit)
      const { onGiven } = permit
      permit.onGiven = undefined
      onGiven?.()
    }
  }

  #later(session: GatedJob): void {
    if (this.#stopTimer !== undefined) return
    const waitMs = this.#nextAt - session.clockMs
    this.#stopTimer = runCancellable(
      session.options.services,
      Effect.andThen(
        Effect.sleep(Duration.millis(waitMs)),
        Effect.sync(() => {
          this.#stopTimer = undefined
          this.#serve()
        })
      )
    )
  }
}
