/**
 * A store in a simulated world: its writes take virtual time, and meet the faults of a schedule.
 *
 * The journals are those of the store in memory, and outlive the lives of the process, as a disk does. Each life opens the store
 * anew. A job whose holder is of a life that is over is free, as for an engine on the same machine that died.
 *
 * Invariants: writes take effect in the order of the calls; a killed write has taken effect, or has not. Boundary: an adapter of
 * the port in JobStore.ts that stands before another one.
 */
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import { Turns } from "../../platform/turns.ts"
import { JobStore, StoreError, type StoredRow } from "../../store/JobStore.ts"
import type { Schedule } from "./schedule.ts"
import type { World } from "./World.ts"

type Store = JobStore["Service"]

/** The faults of a store, and the longest delay of its writes. */
export interface StorePlan extends Pick<Schedule, "store" | "damages" | "delayMs"> {
  /** Virtual milliseconds of a slow write. Default: 20,000. */
  readonly slowMs?: number | undefined
}

/** A row that the disk took in a life; cycle 0 is the beginning of a job. */
export interface Commit {
  readonly jobId: string
  readonly cycle: number
  readonly life: number
}

/** A header of another version of the program that the disk took in a life, before the row of a cycle. */
export interface Rebase extends Commit {}

/** The holder of a lease that is as good as free: nobody knows of it, or its engine has died since. */
const nobody: object = {}

/** The store of a simulated machine. */
export class SimulatedStore {
  readonly #world: World
  readonly #disk: Store
  readonly #plan: StorePlan
  /** The life that holds each job. */
  readonly #holders = new Map<string, object>()
  /** The number of writes so far. */
  writes = 0
  #reads = 0
  #life: object = {}
  #number = 0

  /** `disk`: a store that keeps journals and never waits. */
  constructor(world: World, disk: Store, plan: StorePlan) {
    this.#world = world
    this.#disk = disk
    this.#plan = plan
  }

  /** The number of writes that were taken without the lease of the job. */
  unfenced = 0

  /** The faults that writes and reads have met. */
  readonly met: Array<string> = []
  readonly commits: Array<Commit> = []
  readonly rebases: Array<Rebase> = []

  /** Opens the store for a new life of the process, by its number. The lives before it are over. */
  open(number = 1): Store {
    const life = (this.#life = {})
    this.#number = number
    const turns = new Turns()
    const disk = this.#disk
    const write = <A>(jobId: string, effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.uninterruptible(turns.take("writes", this.#write(jobId, effect, true)))
    /** A write that takes a lease carries no fence. */
    const taking = (jobId: string, effect: Effect.Effect<number, StoreError>): Effect.Effect<number, StoreError> =>
      Effect.uninterruptible(turns.take("writes", this.#write(jobId, held(jobId, effect), false)))
    const held = <A>(jobId: string, effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.provideService(
        Effect.tap(effect, () => Effect.sync(() => this.#holders.set(jobId, life))),
        // A disk does both or nothing.
        Scheduler.PreventSchedulerYield,
        true
      )
    return JobStore.of({
      ...disk,
      create: (job) => taking(job.jobId, this.#noted(this.commits, job.jobId, 0, disk.create(job))),
      append: (jobId, fence, row) =>
        write(jobId, this.#noted(this.commits, jobId, row.cycle, disk.append(jobId, fence, row))),
      note: (jobId, fence, text, options) => write(jobId, disk.note(jobId, fence, text, options)),
      keep: (jobId, fence, kept) => write(jobId, disk.keep(jobId, fence, kept)),
      rebase: (jobId, fence, base) =>
        write(jobId, this.#noted(this.rebases, jobId, base.cycle, disk.rebase(jobId, fence, base))),
      halt: (jobId, fence, end) => write(jobId, disk.halt(jobId, fence, end)),
      lease: (jobId, options) => taking(jobId, this.#lease(jobId, options ?? {})),
      // A store that could not give a lease back tries again by itself.
      release: (jobId, fence, options) =>
        Effect.tapError(write(jobId, disk.release(jobId, fence, options)), () =>
          Effect.sync(() => this.#holders.set(jobId, nobody))
        ),
      quarantine: (jobId, fence, reason) => write(jobId, disk.quarantine(jobId, fence, reason)),
      // A damaged journal of a child ends its parent: no other read would help.
      rows: (jobId, after, until) => {
        const rows = disk.rows(jobId, after, until)
        return jobId.includes("/") ? rows : this.#damaged(rows)
      }
    })
  }

  /** Takes note of what the disk takes. */
  #noted<A>(
    notes: Array<Commit>,
    jobId: string,
    cycle: number,
    effect: Effect.Effect<A, StoreError>
  ): Effect.Effect<A, StoreError> {
    const life = this.#number
    const noted = Effect.tap(effect, () => Effect.sync(() => void notes.push({ jobId, cycle, life })))
    return Effect.provideService(noted, Scheduler.PreventSchedulerYield, true)
  }

  /** A holder of a life that is over counts as gone. */
  #lease(
    jobId: string,
    options: { readonly force?: boolean; readonly anew?: boolean }
  ): Effect.Effect<number, StoreError> {
    return Effect.suspend(() => {
      const holder = this.#holders.get(jobId)
      const isGone = holder !== undefined && holder !== this.#life
      return this.#disk.lease(jobId, isGone ? { ...options, force: true } : options)
    })
  }

  #write<A>(jobId: string, effect: Effect.Effect<A, StoreError>, isFenced: boolean): Effect.Effect<A, StoreError> {
    return Effect.suspend(() => {
      const number = ++this.writes
      const fault = this.#plan.store.find(({ write }) => write === number)?.fault
      if (fault !== undefined) this.met.push(fault)
      switch (fault) {
        case undefined:
          return Effect.andThen(
            this.#delay,
            Effect.tap(effect, () => this.#delay)
          )
        case "full":
          return Effect.andThen(this.#delay, refuse("full", "the simulated disk is full"))
        case "lost":
          return Effect.andThen(
            Effect.andThen(this.#delay, effect),
            Effect.suspend(() => {
              // Nobody knows of a lease whose acknowledgement was lost, so nobody renews it.
              if (!isFenced) this.#holders.set(jobId, nobody)
              return refuse("failed", "the acknowledgement of a write was lost")
            })
          )
        case "fenced":
          // The other engine dies with the lease: the next one to ask finds nobody alive.
          return Effect.andThen(
            Effect.tap(Effect.exit(this.#disk.lease(jobId, { force: true })), () =>
              Effect.sync(() => this.#holders.set(jobId, nobody))
            ),
            isFenced ? this.#refusedOnly(effect) : effect
          )
        case "slow":
          return Effect.andThen(this.#world.wait(this.#plan.slowMs ?? 20_000), effect)
      }
    })
  }

  /** A write whose lease was taken must be refused. */
  #refusedOnly<A>(write: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> {
    return Effect.tap(write, () => Effect.sync(() => void this.unfenced++))
  }

  get #delay(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const ms = this.#world.below(this.#plan.delayMs + 1)
      return ms === 0 ? Effect.void : this.#world.wait(ms)
    })
  }

  /** The rows, one of which is damaged if the plan says so. */
  #damaged(rows: Stream.Stream<StoredRow, StoreError>): Stream.Stream<StoredRow, StoreError> {
    return Stream.suspend(() => {
      if (!this.#plan.damages.includes(++this.#reads)) return rows
      this.met.push("damage")
      return Stream.map(rows, (row) => ({ ...row, text: row.text.replace(/"cycle":\d/, `"cycle":0`) }))
    })
  }
}

const refuse = (reason: StoreError["reason"], message: string): Effect.Effect<never, StoreError> =>
  Effect.fail(new StoreError({ reason, message }))
