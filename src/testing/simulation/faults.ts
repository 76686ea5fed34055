/**
 * The schedule of a seed for a user's program, and the words for a schedule.
 *
 * A schedule follows from a seed, the chosen faults and the size of the plain run, so that faults fall into the job and not
 * behind it. Every seed has an order of its own, a number of workers, slow messages, another time of day and other random
 * numbers: these are no faults. Boundary: pure.
 */
import type { EncodedFact } from "../../program/encoded.ts"
import { type Random, randomOf, shuffle } from "../../values/random.ts"
import { type SimulationFault, simulationFaults } from "./faultNames.ts"
import type { Act, Arrival, HandlerFault, PoolFault, Schedule, StoreFault, UserSchedule } from "./schedule.ts"
import type { Simpler } from "./shrink.ts"

const storeFaults: Readonly<Partial<Record<SimulationFault, StoreFault>>> = {
  "slow-writes": "slow",
  "lost-acknowledgements": "lost",
  "full-disks": "full",
  "lost-leases": "fenced"
}
const handlerFaults: Readonly<Partial<Record<SimulationFault, HandlerFault>>> = {
  "late-answers": "delayed",
  "repeated-answers": "twice",
  "missing-answers": "unanswered"
}
const poolFaults: ReadonlyArray<PoolFault> = ["claimed", "running", "unsent", "late"]

/** The size of the plain run. */
export interface Scale {
  readonly steps: number
  readonly writes: number
  readonly tasks: number
  readonly calls: number
  readonly ms: number
  /** The shortest time limit of an approval, in milliseconds; Infinity if none has one. */
  readonly limitMs: number
  /** The number of approvals that have a limit. */
  readonly limited: number
}

/** Parts of the shortest limit of an approval that the machine and the callers may take: half of it in all. */
const partOfLimit = 8

/** Virtual milliseconds of a run up to which the engine also looks for jobs in the store, which it does every few seconds. */
const mostScannedMs = 600_000

/** A schedule without anything: the plain run. */
export const calm: Schedule & { readonly user: UserSchedule } = {
  seed: 0,
  order: "fifo",
  workers: 0,
  scans: false,
  kills: [],
  acts: [],
  store: [],
  damages: [],
  pool: [],
  delayMs: 0,
  user: { handlers: [], arrivals: [], load: 1, aheadMs: 0, random: 0, slowMs: 20_000, lateMs: 5_000, decideMs: 0 }
}

/** The values of fields to which a schedule is made smaller. */
export const simplerSchedule: Simpler = {
  optional: [],
  simplest: {
    order: "fifo",
    workers: 0,
    scans: false,
    delayMs: 0,
    load: 1,
    aheadMs: 0,
    random: 0,
    decideMs: 0,
    idleMs: 0,
    forMs: 0
  },
  placed: []
}

/** A dice that a seed throws. */
class Dice {
  readonly below: Random
  constructor(seed: number) {
    // Neighbours among seeds must not begin alike.
    this.below = randomOf(Math.imul(seed + 1, 0x9e37_79b1))
  }
  from(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }
  /** Whether one of so many cases applies. */
  one(of: number): boolean {
    return this.below(of) === 0
  }
  pick<A>(items: ReadonlyArray<A>): A {
    return items[this.below(items.length)]!
  }
  times<A>(most: number, make: () => A): ReadonlyArray<A> {
    return Array.from({ length: this.from(1, most) }, make)
  }
}

/** The schedule of a seed. `signals`: the number of facts that arrive. */
export const scheduleOf = (
  seed: number,
  faults: ReadonlySet<SimulationFault>,
  scale: Scale,
  signals: number
): Schedule & { readonly user: UserSchedule } => {
  const dice = new Dice(seed)
  // An order by the seed takes more steps than the plain one, since fibers are suspended.
  const steps = 2 * scale.steps + 10
  const has = (fault: SimulationFault, of: number): boolean => dice.one(of) && faults.has(fault)
  const some = <A>(fault: SimulationFault, of: number, most: number, make: () => A): ReadonlyArray<A> =>
    has(fault, of) ? dice.times(most, make) : []
  // A decision that comes in time must stay in time, however slow the machine is and whoever waits for what.
  const roomMs = (times: number): number => Math.floor(scale.limitMs / (partOfLimit * Math.max(times, 1)))
  const acts = [
    ...some("pauses", 4, 2, (): Act => ({
      at: dice.below(steps),
      do: "pause",
      forMs: Math.min(dice.below(50), roomMs(2))
    })),
    ...some("cancels", 12, 1, (): Act => ({ at: dice.below(steps), do: "cancel" }))
  ]
  return {
    seed,
    order: "seeded",
    workers: dice.from(0, 3),
    scans: dice.one(4) && scale.ms <= mostScannedMs,
    kills: some("kills", 2, 3, () => dice.below(steps)),
    acts,
    store: entriesOf(storeFaults).flatMap(([fault, planned]) =>
      some(fault, 5, 2, () => ({ write: dice.from(1, scale.writes + 2), fault: planned }))
    ),
    damages: some("damaged-rows", 8, 1, () => dice.from(1, 3)),
    pool: some("dead-workers", 2, 3, () => ({
      claim: dice.from(1, Math.max(scale.tasks, 1)),
      fault: dice.pick(poolFaults)
    })),
    delayMs: Math.min(dice.pick([0, 2, 10]), roomMs(4 * scale.writes)),
    user: {
      handlers:
        scale.calls === 0
          ? []
          : entriesOf(handlerFaults).flatMap(([fault, planned]) =>
              some(fault, 4, 2, () => ({ call: dice.from(1, scale.calls), fault: planned }))
            ),
      arrivals: arrivalsOf(dice, signals, steps, scale.ms),
      load: has("load", 4) ? dice.from(2, 4) : 1,
      aheadMs: dice.from(1, 400) * 86_400_000 + dice.below(86_400_000),
      random: dice.from(1, 0x7fff_fffe),
      slowMs: Math.min(calm.user.slowMs, roomMs(2)),
      lateMs: Math.min(calm.user.lateMs, roomMs(2)),
      // Approvals are decided one after the other.
      decideMs: Math.min(dice.pick([0, 0, 10, 1_000]), roomMs(scale.limited))
    }
  }
}

const entriesOf = <A>(table: Readonly<Partial<Record<SimulationFault, A>>>): ReadonlyArray<[SimulationFault, A]> =>
  simulationFaults.flatMap((fault): ReadonlyArray<[SimulationFault, A]> => {
    const planned = table[fault]
    return planned === undefined ? [] : [[fault, planned]]
  })

/** Shares the facts out among arrivals, in an order by the seed. Some may be there from the start. */
const arrivalsOf = (dice: Dice, signals: number, steps: number, ms: number): ReadonlyArray<Arrival> => {
  if (signals === 0) return []
  const parts = dice.from(1, Math.min(signals, 5))
  const arrivals = Array.from({ length: parts }, () => ({
    facts: [] as Array<number>,
    at: dice.below(steps),
    idleMs: 1 + dice.below(2 * ms + 20)
  }))
  const isEarly = dice.one(2)
  for (const fact of shuffle([...Array(signals).keys()], dice.below)) {
    if (isEarly && dice.one(3)) continue
    dice.pick(arrivals).facts.push(fact)
  }
  return arrivals.filter(({ facts }) => facts.length > 0)
}

/* ---------------------------------------------------------------- words */

const ofStore: Readonly<Record<StoreFault, string>> = {
  full: "is refused, since the disk is full",
  lost: "is done, and its acknowledgement is lost",
  fenced: "finds that another engine has taken the lease",
  slow: "takes long"
}
const ofPool: Readonly<Record<PoolFault, string>> = {
  claimed: "dies before it runs the task",
  running: "dies while the task runs",
  unsent: "dies before it sends the result",
  late: "is taken for dead, and sends its result late"
}
const ofHandler: Readonly<Record<HandlerFault, string>> = {
  delayed: "is answered late",
  twice: "is made twice, with the same idempotency key",
  unanswered: "is done, and the process dies before the answer is kept"
}

/** The changes that a schedule makes to the plain run, in words: a line for each. None for the plain run. */
export const wordsOf = (schedule: Schedule, signals: ReadonlyArray<EncodedFact>): ReadonlyArray<string> => {
  const { acts, damages, delayMs, kills, order, pool, scans, seed, store, user = calm.user, workers } = schedule
  const { aheadMs, arrivals, decideMs, handlers, load, random } = user
  const when = (applies: boolean, words: string): ReadonlyArray<string> => (applies ? [words] : [])
  const nameOf = (number: number): string => {
    const fact = signals[number]
    return fact === undefined ? "" : `${fact.kind.name}/${fact.id}`
  }
  return [
    ...when(order === "seeded", `fibers and tasks that are ready go on in the order of seed ${seed}`),
    ...when(workers > 0, `CPU agents run on ${workers} ${workers === 1 ? "worker" : "workers"}`),
    ...when(scans, "the engine takes the job up by itself, too"),
    ...when(delayMs > 0, `writes and messages take up to ${delayMs} ms`),
    ...when(aheadMs > 0, `the clock shows a time ${Math.floor(aheadMs / 86_400_000)} days later`),
    ...when(random !== 0, "random numbers are others"),
    ...when(load !== 1, `agents and handlers wait ${load} times as long`),
    ...when(decideMs > 0, `approvals are decided after ${decideMs} ms`),
    ...kills.map((step) => `the process is killed at step ${step}, and another one goes on`),
    ...acts.map((act) =>
      act.do === "pause"
        ? `a caller pauses the job at step ${act.at}, for ${act.forMs} ms`
        : `a caller asks for a ${act.do} at step ${act.at}`
    ),
    ...store.map(({ fault, write }) => `write ${write} of the journal ${ofStore[fault]}`),
    ...damages.map((read) => `read ${read} of the journal finds a damaged row`),
    ...pool.map(({ claim, fault }) => `the worker that takes CPU task ${claim} ${ofPool[fault]}`),
    ...handlers.map(({ call, fault }) => `call ${call} of a handler ${ofHandler[fault]}`),
    ...arrivals.map(
      ({ at, facts, idleMs }) =>
        `${facts.map(nameOf).join(", ")} ${facts.length === 1 ? "arrives" : "arrive"} at step ${at}, or when the job has been idle for ${idleMs} ms`
    )
  ]
}

const metAs: Readonly<Record<string, SimulationFault>> = {
  kill: "kills",
  claimed: "dead-workers",
  running: "dead-workers",
  unsent: "dead-workers",
  late: "dead-workers",
  slow: "slow-writes",
  lost: "lost-acknowledgements",
  full: "full-disks",
  fenced: "lost-leases",
  damage: "damaged-rows",
  delayed: "late-answers",
  twice: "repeated-answers",
  unanswered: "missing-answers"
}

/** The fault that a run has met, by its public name. */
export const faultOf = (met: string): SimulationFault | undefined => metAs[met]
