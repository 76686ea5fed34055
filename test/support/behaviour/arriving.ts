/**
 * A program with joins and folds in two versions, whose facts arrive as seeds and by signals, and a naive model of it. Workers
 * load it.
 *
 * The job awaits an approval at each fixed point, so a signal always finds it there. Every meeting leaves an evaluation, so a pair
 * that is handled twice, or not at all, shows.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Fold, Intent, type Job, type JobContext, Program } from "../../../src/index.ts"
import type { Arriver } from "./arrivalRun.ts"
import { decide } from "./intents.ts"

/** How many facts of a side stay when all agents have read them. */
const latest = 4
const groups = 3

/** A fact that arrives, in either version of the program. */
export const Arrival = Schema.Union([
  Schema.Struct({
    side: Schema.Literal("left"),
    id: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
    keys: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))).check(Schema.isMaxLength(3)),
    v: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
  }),
  Schema.Struct({
    side: Schema.Literal("right"),
    id: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
    key: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    v: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
  })
])
export type Arrival = typeof Arrival.Type
type LeftArrival = Extract<Arrival, { readonly side: "left" }>
type RightArrival = Extract<Arrival, { readonly side: "right" }>
export type Part = ReadonlyArray<Arrival>

const leftName = ({ id, keys, v }: Omit<LeftArrival, "side">): string => `l${id}:${keys.join(",")}:${v}`
const rightName = ({ id, key, v }: Omit<RightArrival, "side">): string => `r${id}:${key}:${v}`

/** The program. The facts of version 2 have another schema, so the job has to be migrated to it. */
export const makeArriving = (module: string, version: string, noteSchema: Schema.Codec<string>) => {
  const note = `note of version ${version}`
  const Left = Fact.kind("Left", {
    schema: Schema.Struct({ id: Schema.Int, keys: Schema.Array(Schema.Int), v: Schema.Int, note: noteSchema }),
    id: ({ id }) => `l${id}`,
    conflict: "keepLast"
  })
  const Right = Fact.kind("Right", {
    schema: Schema.Struct({ id: Schema.Int, key: Schema.Int, v: Schema.Int }),
    id: ({ id }) => `r${id}`,
    conflict: Fact.max(({ v }) => v),
    retention: { latest }
  })
  const Met = Fact.kind("Met", {
    schema: Schema.Struct({ by: Schema.String, left: Schema.String, a: Schema.String, b: Schema.String }),
    id: ({ a, b, by }) => `${by} ${a} ${b}`
  })
  const totalOf = <const Name extends string>(name: Name) =>
    Fact.kind(name, {
      schema: Schema.Struct({ of: Schema.String, total: Schema.NullOr(Schema.Int) }),
      id: ({ of }) => of,
      conflict: "keepLast"
    })
  const [Whole, LeftSum, RightSum, RightMost, MetCount] = [
    totalOf("Whole"),
    totalOf("LeftSum"),
    totalOf("RightSum"),
    totalOf("RightMost"),
    totalOf("MetCount")
  ]
  const as = (of: string | number | boolean, total: number | undefined) => ({ of: String(of), total: total ?? null })
  const met = (by: string, left: { readonly id: string }, a: string, b: string) => ({
    facts: [Met.of({ by, left: left.id, a, b })],
    evaluations: [{ fact: { kind: "Left", id: left.id }, score: 1, reason: `${by} ${a} ${b}` }]
  })
  const proposalOf = (arrival: Arrival): Fact.ProposalOf<typeof Left | typeof Right> => {
    if (arrival.side === "right") return Right.of({ id: arrival.id, key: arrival.key, v: arrival.v })
    const { id, keys, v } = arrival
    return Left.of({ id, keys, v, note })
  }
  const program = Program.make("arriving", {
    module,
    version,
    input: Schema.Struct({ seeds: Schema.Array(Arrival) }),
    seed: ({ seeds }) => seeds.map(proposalOf),
    signals: [Left, Right],
    migrate: (fact) => (fact.kind === "Left" ? { kind: "Left", value: { ...(fact.value as object), note } } : fact),
    agents: [
      Agent.make("waits", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "end" })] }) }),
      Agent.join("meets", {
        left: [Left, ({ keys }) => keys],
        right: [Right, ({ key }) => key],
        placement: "worker",
        writes: [Met],
        execute: (left, right) => met("meets", left, leftName(left.value), rightName(right.value))
      }),
      Agent.join("twins", {
        left: [Left, ({ keys }) => keys],
        right: [Left, ({ id }) => id % 4],
        writes: [Met],
        execute: (left, right) => met("twins", left, leftName(left.value), leftName(right.value))
      }),
      Agent.fold("left sum", {
        over: Left,
        by: ({ id }) => `g${id % groups}`,
        into: LeftSum,
        add: (total, { v }, of) => ({ of, total: (total?.total ?? 0) + v }),
        remove: (total, { v }) => ({ ...total, total: (total.total ?? 0) - v })
      }),
      // Its facts are revised by an agent, so some revisions are in one cycle and are read in the next.
      Agent.fold("whole", {
        over: LeftSum,
        by: () => "all",
        into: Whole,
        add: (total, { total: more }, of) => ({ of, total: (total?.total ?? 0) + (more ?? 0) }),
        remove: (total, { total: less }) => ({ ...total, total: (total.total ?? 0) - (less ?? 0) })
      }),
      Agent.fold("right sum", {
        over: Right,
        by: ({ key }) => `k${key}`,
        into: RightSum,
        aggregate: Fold.sum(Right, ({ v }) => v),
        as
      }),
      Agent.fold("right most", {
        over: Right,
        by: ({ key }) => `k${key}`,
        into: RightMost,
        aggregate: Fold.max(Right, ({ v }) => v),
        as
      }),
      Agent.fold("met count", { over: Met, by: ({ left }) => left, into: MetCount, aggregate: Fold.count(), as })
    ]
  })
  const proposalsOf = (part: Part) => part.map(proposalOf)
  type Jobs = Job.Job<typeof program>
  const arriving = (job: Jobs) => ({
    ...{ events: job.events, result: job.result, status: job.status, until: job.until },
    send: (part: Part | undefined) => job.signal(part === undefined ? [decide("end")] : proposalsOf(part))
  })
  const arriver: Arriver<Part> = {
    start: (seeds) => Effect.map(Engine.start(program, { seeds }, { id: "job" }), arriving),
    resume: Effect.map(Engine.resume(program, "job"), arriving)
  }
  return { program, proposalsOf, arriver }
}

/** The outcome of an execution, by the program or by the model: each list sorted. */
export interface Outcome {
  /** Every meeting, as often as it was handled. */
  readonly meetings: ReadonlyArray<string>
  readonly facts: Readonly<Record<string, ReadonlyArray<string>>>
}

const sorted = (names: Iterable<string>): ReadonlyArray<string> => [...names].sort()

/** A fact of the model, with the place of its last commit. */
type Placed<A> = A & { place: number }

/** The naive model: every fact beside every other one, at each part's fixed point. */
export class Model {
  private readonly lefts = new Map<number, Placed<LeftArrival>>()
  private readonly rights = new Map<number, Placed<RightArrival>>()
  private readonly meetings: Array<string> = []
  private readonly leftGroups = new Set<string>()
  private readonly rightGroups = new Set<string>()
  private readonly counts = new Map<string, Set<string>>()
  private places = 0

  /** A copy that goes on by itself. */
  static of(parts: ReadonlyArray<Part>): Model {
    const model = new Model()
    for (const part of parts) model.arrive(part)
    return model
  }

  /**
   * A part arrives and is worked off. Facts of a fork (`isFork`) replace others whatever the rule. They are its beginning, so what
   * was read before is pruned before they meet it; a signal and the tasks that read it are in one cycle.
   */
  arrive(part: Part, isFork = false): void {
    const before = this.places
    for (const arrival of part) this.put(arrival, isFork)
    if (isFork) this.prune(before)
    const isNew = (one: { readonly place: number }) => one.place > before
    for (const left of this.lefts.values()) {
      for (const right of this.rights.values()) {
        if (!left.keys.includes(right.key) || !(isNew(left) || isNew(right))) continue
        this.meet("meets", left, leftName(left), rightName(right))
      }
      for (const twin of this.lefts.values()) {
        if (!left.keys.includes(twin.id % 4) || !(isNew(left) || isNew(twin))) continue
        this.meet("twins", left, leftName(left), leftName(twin))
      }
    }
    for (const { id } of this.lefts.values()) this.leftGroups.add(`g${id % groups}`)
    for (const { key } of this.rights.values()) this.rightGroups.add(`k${key}`)
    this.prune(this.places)
  }

  /** Prunes facts that were committed, and read, up to a place. */
  private prune(read: number): void {
    const oldest = [...this.rights.values()].sort((a, b) => a.place - b.place)
    for (const { id, place } of oldest.slice(0, Math.max(0, oldest.length - latest))) {
      if (place <= read) this.rights.delete(id)
    }
  }

  private put(arrival: Arrival, isForced: boolean): void {
    if (arrival.side === "left") {
      const present = this.lefts.get(arrival.id)
      if (present !== undefined && leftName(present) === leftName(arrival)) return
      this.lefts.set(arrival.id, { ...arrival, place: ++this.places })
      return
    }
    const present = this.rights.get(arrival.id)
    if (present !== undefined) {
      const isGreater = arrival.v > present.v || (arrival.v === present.v && arrival.key > present.key)
      if (rightName(present) === rightName(arrival) || !(isForced || isGreater)) return
    }
    this.rights.set(arrival.id, { ...arrival, place: ++this.places })
  }

  private meet(by: string, left: LeftArrival, a: string, b: string): void {
    this.meetings.push(`${by} ${a} ${b}`)
    const of = `l${left.id}`
    const met = this.counts.get(of) ?? new Set()
    this.counts.set(of, met.add(`${by} ${a} ${b}`))
  }

  get outcome(): Outcome {
    const [lefts, rights] = [[...this.lefts.values()], [...this.rights.values()]]
    const sum = (of: ReadonlyArray<{ readonly v: number }>): number => of.reduce((total, { v }) => total + v, 0)
    const inGroup = (group: string) => lefts.filter(({ id }) => `g${id % groups}` === group)
    const withKey = (name: string) => rights.filter(({ key }) => `k${key}` === name)
    return {
      meetings: sorted(this.meetings),
      facts: {
        Left: sorted(lefts.map(leftName)),
        Right: sorted(rights.map(rightName)),
        Met: sorted(new Set(this.meetings)),
        Whole: this.leftGroups.size === 0 ? [] : [`all=${sum(lefts)}`],
        LeftSum: sorted([...this.leftGroups].map((of) => `${of}=${sum(inGroup(of))}`)),
        RightSum: sorted([...this.rightGroups].map((of) => `${of}=${sum(withKey(of))}`)),
        RightMost: sorted(
          [...this.rightGroups].map(
            (of) => `${of}=${withKey(of).reduce<number | null>((most, { v }) => Math.max(most ?? v, v), null)}`
          )
        ),
        MetCount: sorted([...this.counts].map(([of, met]) => `${of}=${met.size}`))
      }
    }
  }
}

/** The outcome in a context of the program. */
export const outcomeOf = (context: JobContext.JobContext): Outcome => {
  const shown = (kind: string, show: (fact: Fact.Fact) => string) =>
    sorted(context.facts().flatMap((fact) => (fact.kind === kind ? [show(fact)] : [])))
  const total = ({ value }: Fact.Fact) => {
    const { of, total } = value as { readonly of: string; readonly total: number | null }
    return `${of}=${total}`
  }
  return {
    meetings: sorted([...context.evaluationsAfter(0)].map(({ reason }) => reason)),
    facts: {
      Left: shown("Left", ({ value }) => leftName(value as LeftArrival)),
      Right: shown("Right", ({ value }) => rightName(value as RightArrival)),
      Met: shown("Met", ({ id }) => id),
      Whole: shown("Whole", total),
      LeftSum: shown("LeftSum", total),
      RightSum: shown("RightSum", total),
      RightMost: shown("RightMost", total),
      MetCount: shown("MetCount", total)
    }
  }
}

/** Version 1, and its program, which workers find by its name. */
export const first = makeArriving(import.meta.url, "1", Schema.String)
export const { program } = first
