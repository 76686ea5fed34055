/**
 * The record that programs keep of themselves while they run, and the facts of the world that they need.
 *
 * Boundary: a record; compare.ts judges it.
 */
import * as Effect from "effect/Effect"
import type { World } from "../../src/testing/simulation/World.ts"
import { builtInKinds, type Shown } from "./behave.ts"
import { type Payer, Till } from "./till.ts"

export class Host {
  /** Counts the attempts of tasks and handlers in a life of the process. */
  readonly attempts = new Map<string, number>()
  /** The payments of agents. */
  readonly till = new Till()
  /** Executions and handlers under way, by job, and by agent. */
  readonly #running = new Map<string, number>()
  /** The most executions that were under way at a time, of an agent in all jobs, and of a job. */
  readonly most = new Map<string, number>()
  /** The last start of each agent with a gap, and the shortest time between two. */
  readonly #lastStart = new Map<string, number>()
  readonly shortestGap = new Map<string, number>()
  /** Values that an agent could have changed (G1). */
  readonly thawed: Array<string> = []
  /** Acts of handlers: the key of the intent, and the life. */
  readonly performed: Array<{ readonly key: string; readonly life: number }> = []
  /** The intents whose handlers are under way, and those that had two handlers at a time. */
  readonly busy = new Set<string>()
  readonly doubled: Array<string> = []
  life = 0
  world: World | undefined

  attempt(name: string): number {
    const key = `${this.life}/${name}`
    const attempt = (this.attempts.get(key) ?? 0) + 1
    this.attempts.set(key, attempt)
    return attempt
  }

  begin(life: number, world: World | undefined, hasFailed: boolean): void {
    this.life = life
    this.world = world
    this.#running.clear()
    this.#lastStart.clear()
    this.busy.clear()
    this.till.begin(life, hasFailed, () => world?.nowMs ?? 0)
  }

  /** Executions and handlers under way. */
  get running(): number {
    return this.#running.get("all") ?? 0
  }

  enter({ agent, job }: Payer): void {
    this.#count("all", 1)
    this.#count(`agent ${agent}`, 1)
    this.#count(`job ${job}`, 1)
    const now = this.world?.nowMs ?? 0
    const last = this.#lastStart.get(agent)
    if (last !== undefined) this.shortestGap.set(agent, Math.min(now - last, this.shortestGap.get(agent) ?? Infinity))
    this.#lastStart.set(agent, now)
  }

  leave({ agent, job }: Payer): void {
    this.#count("all", -1)
    this.#count(`agent ${agent}`, -1)
    this.#count(`job ${job}`, -1)
  }

  #count(name: string, more: number): void {
    const count = (this.#running.get(name) ?? 0) + more
    this.#running.set(name, count)
    this.most.set(name, Math.max(count, this.most.get(name) ?? 0))
  }

  /** Runs the effect of a handler, one attempt of one intent. */
  performing<A, E>(key: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        if (this.busy.has(key)) this.doubled.push(key)
        this.busy.add(key)
        this.#count("all", 1)
      }),
      () => effect,
      () =>
        Effect.sync(() => {
          this.#count("all", -1)
          this.busy.delete(key)
        })
    )
  }

  shown(facts: ReadonlyArray<Shown>): ReadonlyArray<Shown> {
    if (!Object.isFrozen(facts)) this.thawed.push("the array of a view")
    for (const { id, kind, value } of facts) {
      const parts = builtInKinds.includes(kind) ? [value] : [value, value.t]
      if (!parts.every(Object.isFrozen)) this.thawed.push(id)
    }
    return facts
  }
}
