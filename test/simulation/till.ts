/**
 * The provider of the calls that simulated agents pay for: it knows what each job has to have paid (B6 to B8).
 *
 * A kill may come while a reservation or a payment is written, so a sum is known as the least and the most that it may be.
 * Boundary: a record of what agents asked for, and what they were told. It judges nothing.
 */
import type { Amount } from "./spec.ts"

/** A task that pays. */
export interface Payer {
  readonly job: string
  readonly cycle: number
  readonly agent: string
  /** The id of its fact. */
  readonly each: string
}

interface Call {
  readonly payer: Payer
  readonly life: number
  readonly reserved: Amount | undefined
  /** `"asked"`, `"paying"`: the call of the budget has not returned. */
  state: "asked" | "open" | "refused" | "paying" | "paid"
  pays: Amount | undefined
  /** Whether its agent does without it if there is no room. */
  readonly catches: boolean
  /** Whether its life ended because the store failed: what it said of payments may not be written. */
  isInDoubt: boolean
}

export interface Refusal {
  readonly payer: Payer
  readonly life: number
  readonly budget: "tokens" | "cost"
  readonly asked: number
  readonly used: number
  readonly limit: number
  /** Whether its agent does without the call. */
  readonly catches: boolean
  /** Virtual milliseconds. */
  readonly at: number
}

/** The first attempt of a task of fibers in a life. */
interface Start {
  readonly payer: Payer
  readonly life: number
  readonly at: number
}

/** The bounds of a sum. */
export interface Bounds {
  readonly least: Amount
  readonly most: Amount
}

const none: Amount = { tokens: 0, cost: 0 }
const by = (choose: (...of: ReadonlyArray<number>) => number, a: Amount, b: Amount): Amount => ({
  tokens: choose(a.tokens, b.tokens),
  cost: choose(a.cost, b.cost)
})
const plus = (a: Amount, b: Amount): Amount => by((...of) => of.reduce((sum, one) => sum + one, 0), a, b)

/** The bounds of what a call has cost. */
const costOf = ({ isInDoubt, pays, reserved, state }: Call): Bounds => {
  const [room, paid] = [reserved ?? none, pays ?? none]
  const between = (a: Amount, b: Amount): Bounds => ({ least: by(Math.min, a, b), most: by(Math.max, a, b) })
  switch (state) {
    case "refused":
      return between(none, none)
    case "asked":
      return between(none, room)
    case "open":
      return between(room, room)
    case "paying":
      return between(room, paid)
    case "paid":
      return isInDoubt ? between(room, paid) : between(paid, paid)
  }
}

const sumOf = (calls: ReadonlyArray<Call>): Bounds =>
  calls.map(costOf).reduce((sum, { least, most }) => ({ least: plus(sum.least, least), most: plus(sum.most, most) }), {
    least: none,
    most: none
  })

export class Till {
  #calls: Array<Call> = []
  readonly refusals: Array<Refusal> = []
  /** The payments above their reservations. */
  readonly above: Array<Payer & { readonly life: number }> = []
  /** The most that was paid and reserved at a time, by job. */
  readonly peaks = new Map<string, Amount>()
  /** The last start of each task, and its life. */
  readonly started = new Map<string, number>()
  readonly starts: Array<Start> = []
  #life = 0
  #now: () => number = () => 0

  /** A life begins. `hasFailed`: the store failed in the one before it. */
  begin(life: number, hasFailed: boolean, now: () => number): void {
    this.#now = now
    if (hasFailed) for (const call of this.#calls) if (call.life === this.#life) call.isInDoubt = true
    this.#life = life
  }

  start(payer: Payer): void {
    this.started.set(nameOf(payer), this.#life)
  }

  /** The first attempt of a task of fibers starts. */
  startFiber(payer: Payer): void {
    this.starts.push({ payer, life: this.#life, at: this.#now() })
  }

  ask(payer: Payer, reserved: Amount | undefined, catches: boolean): Call {
    const life = this.#life
    const call: Call = { payer, life, reserved, state: "asked", pays: undefined, catches, isInDoubt: false }
    this.#calls.push(call)
    return call
  }

  /** The last call of a task. */
  lastOf(name: string): Call | undefined {
    return this.#calls.findLast(({ payer }) => nameOf(payer) === name)
  }

  grant(call: Call): void {
    call.state = "open"
    this.#notePeak(call.payer.job)
  }

  refuse(call: Call, refused: Pick<Refusal, "budget" | "asked" | "used" | "limit">): void {
    call.state = "refused"
    this.refusals.push({ ...refused, payer: call.payer, life: this.#life, catches: call.catches, at: this.#now() })
  }

  pay(call: Call, pays: Amount): void {
    call.state = "paying"
    call.pays = pays
    const { cost, tokens } = call.reserved ?? none
    if (pays.cost > cost || pays.tokens > tokens) this.above.push({ ...call.payer, life: this.#life })
  }

  paid(call: Call): void {
    call.state = "paid"
    this.#notePeak(call.payer.job)
  }

  /** The sum that an agent of a job has paid. */
  sumOf(job: string, agent: string): Bounds {
    return sumOf(this.#calls.filter(({ payer }) => payer.job === job && payer.agent === agent))
  }

  #notePeak(job: string): void {
    const { least } = sumOf(this.#calls.filter(({ payer }) => payer.job === job))
    this.peaks.set(job, by(Math.max, this.peaks.get(job) ?? none, least))
  }
}

/** The name of a task among all jobs. */
export const nameOf = ({ agent, cycle, each, job }: Payer): string => `${job} ${cycle} ${agent} ${each}`
